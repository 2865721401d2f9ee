import numpy as np

from hnseg.geometry.shear import take_out_shear
from hnseg.phantom.dicom_geometry import (
    FEET_FIRST_AXES,
    PRONE_AXES,
    matrix_applied,
    mirror_axes,
    moved_frame,
    own_frame,
    straightened,
    tilted_slices,
)
from hnseg.types import Grid

GRID = Grid((9, 12, 14), (4.0, 2.0, 2.5), (-10.0, -120.0, 330.0))
INDEX = np.stack(np.indices(GRID.shape_zyx), axis=-1)


def test_feet_first_and_prone_are_the_same_voxels_on_right_handed_axes():
    # rows, columns and slices run to: right, back, feet; and right, front, head
    for axes, ways in ((FEET_FIRST_AXES, (-1, 1, -1)), (PRONE_AXES, (-1, -1, 1))):
        turned = mirror_axes(GRID, axes)
        flipped = np.flip(GRID.to_lps_mm(INDEX), axes)
        np.testing.assert_allclose(turned.to_lps_mm(INDEX), flipped)
        np.testing.assert_allclose(np.cross(turned.direction[:, 2], turned.direction[:, 1]), turned.direction[:, 0])
        assert (turned.direction[0, 2], turned.direction[1, 1], turned.direction[2, 0]) == ways


def test_a_plane_in_space_stays_one_when_the_tilt_is_taken_out():
    tilted = tilted_slices(GRID)
    slope = np.array([0.3, -0.7, 0.2])
    grid, shift_px = straightened(tilted)
    np.testing.assert_allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-12)
    assert grid.shape_zyx[1] > GRID.shape_zyx[1]
    straight = take_out_shear((tilted.to_lps_mm(INDEX) @ slope).astype(np.float32), shift_px, np.nan)
    expected = grid.to_lps_mm(np.stack(np.indices(grid.shape_zyx), axis=-1)) @ slope
    inner = np.abs(straight - expected) < 0.01
    assert inner[np.isfinite(straight)].mean() > 0.85  # the outer half pixel keeps the edge's value
    assert inner[:, 5:-8].all() or inner.sum() > 0.8 * np.prod(GRID.shape_zyx)


def test_another_frame_is_a_rigid_move_about_the_middle():
    moved, matrix = moved_frame(GRID)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) > 0
    assert moved.matches(matrix_applied(own_frame(GRID), matrix))
    middle = (np.array(GRID.shape_zyx) - 1) / 2
    np.testing.assert_allclose(moved.to_lps_mm(middle), GRID.to_lps_mm(middle), atol=1e-3)
    assert not moved.matches(GRID, 1.0)
