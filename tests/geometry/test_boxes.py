import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hnseg.geometry import box_contains, box_grid, image_box, overlap_fraction
from hnseg.types import AXIAL_DIRECTION, BoxMm, Grid


def test_hecktor_box_is_144_voxels_with_edges_on_the_corners():
    box = BoxMm((-72.0, -200.5, 30.0), (72.0, -56.5, 174.0))
    grid = box_grid(box, (1.0, 1.0, 1.0))
    assert grid.shape_zyx == (144, 144, 144)
    assert grid.origin_mm == (-71.5, -200.0, 30.5)
    np.testing.assert_array_equal(grid.direction, AXIAL_DIRECTION)
    np.testing.assert_allclose(grid.extent_mm, [box.low_mm, box.high_mm])


def test_spacing_is_in_array_order():
    grid = box_grid(BoxMm((0.0, 0.0, 0.0), (10.0, 20.0, 30.0)), (3.0, 2.0, 1.0))
    assert grid.shape_zyx == (10, 10, 10)
    assert grid.origin_mm == (0.5, 1.0, 1.5)


@given(
    low=st.tuples(*[st.floats(-500, 500)] * 3),
    extent=st.tuples(*[st.floats(1, 300)] * 3),
    spacing=st.tuples(*[st.floats(0.5, 5)] * 3),
)
def test_low_corner_is_exact_and_high_corner_within_half_a_voxel(low, extent, spacing):
    box = BoxMm(low, tuple(np.add(low, extent)))
    grid = box_grid(box, spacing)
    np.testing.assert_allclose(grid.extent_mm[0], low, atol=1e-9)
    off_mm = np.abs(grid.extent_mm[1] - box.high_mm)
    one_voxel = np.array(grid.shape_zyx)[::-1] == 1
    assert (off_mm[~one_voxel] <= np.array(spacing)[::-1][~one_voxel] / 2 + 1e-6).all()


@pytest.mark.parametrize("high", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (float("nan"), 1.0, 1.0)])
def test_a_box_without_volume_is_refused(high):
    with pytest.raises(ValueError, match="no volume"):
        box_grid(BoxMm((0.0, 0.0, 0.0), high), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, float("inf"))])
def test_a_spacing_that_is_not_positive_is_refused(spacing):
    with pytest.raises(ValueError, match="three positive numbers"):
        box_grid(BoxMm((0.0, 0.0, 0.0), (9.0, 9.0, 9.0)), spacing)


def test_image_box_holds_every_corner_of_an_oblique_image():
    grid = Grid((4, 5, 6), (2.0, 1.0, 1.0), (1.0, 2.0, 3.0), Rotation.from_euler("z", 30, degrees=True).as_matrix())
    box = image_box(grid)
    corners = np.array([[z, y, x] for z in (-0.5, 3.5) for y in (-0.5, 4.5) for x in (-0.5, 5.5)])
    world = grid.to_lps_mm(corners)
    assert box.source == "image"
    np.testing.assert_allclose(world.min(axis=0), box.low_mm)
    np.testing.assert_allclose(world.max(axis=0), box.high_mm)


def test_overlap_is_a_share_of_the_first():
    small = Grid((10, 10, 10), (1.0, 1.0, 1.0))
    large = Grid((20, 20, 20), (1.0, 1.0, 1.0))
    beside = Grid((10, 10, 10), (1.0, 1.0, 1.0), (5.0, 0.0, 0.0))
    assert overlap_fraction(small, large) == pytest.approx(1.0)
    assert overlap_fraction(large, small) == pytest.approx(1 / 8)
    assert overlap_fraction(small, beside) == pytest.approx(0.5)
    assert overlap_fraction(small, Grid((10, 10, 10), (1.0, 1.0, 1.0), (10.0, 0.0, 0.0))) == 0
    assert overlap_fraction(small, Grid((10, 10, 10), (1.0, 1.0, 1.0), (99.0, 99.0, 0.0))) == 0


def test_box_contains_its_faces_and_keeps_the_shape():
    box = BoxMm((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    points = np.array([[[0, 0, 0], [1, 2, 3]], [[1.01, 1, 1], [0.5, 1, -0.1]]])
    assert box_contains(box, points).tolist() == [[True, True], [False, False]]
