import numpy as np
import pytest

from hnseg.intake.moving import contours_moved, mask_moved
from hnseg.io.dicom.objects import Registration
from hnseg.io.dicom.registration import inverse, move_grid
from hnseg.types import Grid

CT = Grid((30, 40, 40), (2.6, 3.1, 3.3), (-60.0, -60.0, -40.0))
PET = Grid((24, 30, 30), (4.0, 4.7, 4.1), (-61.0, -62.0, -43.0))
CENTRE = np.array([3.0, -2.0, -1.0])


def turn(axis: tuple[float, float, float], degrees: float, shift: tuple[float, float, float]) -> Registration:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix[:3, 3] = shift
    return Registration("1.2", "1.1", tuple(map(tuple, matrix)))


def circles(radius_mm: float, slices: Grid) -> list[np.ndarray]:
    """Contours of a ball around ``CENTRE``, which lies in the frame of the CT, on axial slices of its own frame."""
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    found = []
    for z in range(slices.shape_zyx[0]):
        height = slices.to_lps_mm(np.array([z, 0, 0]))[2] - CENTRE[2]
        if abs(height) < radius_mm:
            wide = np.sqrt(radius_mm**2 - height**2)
            ring = np.stack([np.cos(angles) * wide, np.sin(angles) * wide, np.full(angles.shape, height)], 1)
            found.append(CENTRE + ring)
    return found


def in_other_frame(contours: list[np.ndarray], move: Registration) -> list[np.ndarray]:
    matrix = np.array(inverse(move).matrix)
    return [points @ matrix[:3, :3].T + matrix[:3, 3] for points in contours]


def ball(radius_mm: float) -> np.ndarray:
    z, y, x = np.indices(CT.shape_zyx)
    return np.linalg.norm(CT.to_lps_mm(np.stack([z, y, x], -1)) - CENTRE, axis=-1) < radius_mm


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("radius_mm", [4.0, 6.0, 12.0])
def test_a_shift_fills_the_contours_as_if_they_had_been_drawn_there(radius_mm: float) -> None:
    move = turn((0, 0, 1), 0, (20.0, 10.0, -30.0))
    contours = circles(radius_mm, PET)
    slices = move_grid(PET, inverse(move))
    moved, _ = contours_moved(in_other_frame(contours, move), slices, move, CT)
    same, _ = contours_moved(contours, PET, turn((0, 0, 1), 0, (0.0, 0.0, 0.0)), CT)
    np.testing.assert_array_equal(moved, same)
    assert moved.any()


@pytest.mark.parametrize(("radius_mm", "least"), [(6.0, 0.75), (9.0, 0.85), (14.0, 0.9)])
@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 2, -1), (1, 0, 0)])
def test_a_turn_keeps_size_and_place(axis: tuple[int, int, int], radius_mm: float, least: float) -> None:
    move = turn(axis, 10, (5.0, -8.0, 12.0))
    slices = move_grid(PET, inverse(move))
    # drawn on the slices of the other scanner, which are oblique to the CT's
    matrix = np.array(inverse(move).matrix)
    level = [points @ matrix[:3, :3].T + matrix[:3, 3] for points in circles(radius_mm, PET)]
    mask, _ = contours_moved(level, slices, move, CT)
    true = ball(radius_mm)
    assert dice(mask, true) > least
    centre = CT.to_lps_mm(np.argwhere(mask)).mean(axis=0)
    # contours are slabs of 4 mm, so that along z a ball is known to half of that
    assert np.abs(centre - CENTRE).max() < 2.0


def test_a_mask_is_moved_with_its_border() -> None:
    move = turn((0, 0, 1), 0, (0.0, 0.0, 0.0))
    mask = np.zeros(CT.shape_zyx, bool)
    mask[0:4, 0:5, 10:14] = True
    np.testing.assert_array_equal(mask_moved(mask, CT, move, CT), mask)
    assert not mask_moved(np.zeros_like(mask), CT, move, CT).any()


def test_a_structure_as_large_as_the_scan_is_not_cut_into_too_many_voxels() -> None:
    large = Grid((100, 300, 300), (3.0, 1.0, 1.0))
    move = turn((1, 0, 0), 5, (0.0, 0.0, 0.0))
    corners = np.array([(50, 5, 5), (50, 5, 290), (50, 290, 290), (50, 290, 5)])
    mask, _ = contours_moved([large.to_lps_mm(corners)], large, move, Grid((20, 30, 30), (15.0, 10.0, 10.0)))
    assert mask.any()
