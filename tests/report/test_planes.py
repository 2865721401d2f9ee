from itertools import permutations, product

import numpy as np
import pytest

from hnseg.report.planes import FIELD_MM, PLANES, outlines_mm, to_standard, view_of
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

AXIAL, CORONAL, SAGITTAL = PLANES


@pytest.mark.parametrize(
    ("order", "signs"), list(product(permutations(range(3)), [(1, 1, 1), (-1, 1, -1), (1, -1, -1)]))
)
def test_any_axis_order_is_turned_to_superior_posterior_left(order, signs):
    direction = AXIAL_DIRECTION[:, list(order)] * np.array(signs)
    grid = Grid((4, 5, 6), (1.0, 2.0, 3.0), (7.0, 8.0, 9.0), direction)
    volume = Volume(np.arange(120).reshape(4, 5, 6), grid)
    turned = to_standard(volume)
    assert np.allclose(turned.grid.direction, AXIAL_DIRECTION)
    for index in ((0, 0, 0), (1, 2, 3), (3, 4, 5)):  # a voxel keeps its place in the patient
        there = np.rint(turned.grid.to_index_zyx(grid.to_lps_mm(np.array(index)))).astype(int)
        assert turned.array[tuple(there)] == volume.array[index]


def test_a_tilted_gantry_keeps_its_tilt():
    angle = np.deg2rad(20)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    grid = Grid((2, 3, 4), (1.0, 1.0, 1.0), direction=tilt @ AXIAL_DIRECTION)
    assert to_standard(Volume(np.zeros((2, 3, 4)), grid)).grid.matches(grid)


def test_the_patients_left_and_front_and_head_are_where_the_letters_say():
    """A voxel at the patient's left, front and head has to come out at the right and top edges."""
    grid = Grid((5, 5, 5), (1.0, 1.0, 1.0))
    mask = np.zeros((5, 5, 5), np.uint8)
    left_front_head = tuple(np.rint(grid.to_index_zyx(np.array([4.0, 0.0, 4.0]))).astype(int))  # LPS
    mask[left_front_head] = 1
    view = view_of(mask, mask * 0, grid.spacing_mm)
    for plane, corner in ((AXIAL, (0, 4)), (CORONAL, (0, 4)), (SAGITTAL, (0, 0))):
        assert np.argwhere(view.cut(mask, plane)).tolist() == [list(corner)]
    assert AXIAL.letters == ("R", "L", "A", "P")
    assert CORONAL.letters == ("R", "L", "S", "I")
    assert SAGITTAL.letters == ("A", "P", "S", "I")


def test_slices_go_through_most_of_the_tumour():
    truth = np.zeros((10, 10, 10), np.uint8)
    truth[2:5, 3, 3] = 1
    truth[4, 3:6, 3:7] = 1
    assert view_of(truth, truth * 0, (1, 1, 1)).focus_zyx == (4, 3, 3)
    block = np.zeros((10, 10, 10), np.uint8)
    block[1:6, 2:5, 2:5] = 1
    assert view_of(block, block * 0, (1, 1, 1)).focus_zyx == (3, 3, 3)


def test_where_there_is_no_tumour_the_prediction_is_shown_and_else_the_middle():
    nothing, found = np.zeros((10, 10, 10), np.uint8), np.zeros((10, 10, 10), np.uint8)
    found[7, 8, 2] = 1
    assert view_of(nothing, found, (1, 1, 1)).focus_zyx == (7, 8, 2)
    assert view_of(nothing, nothing, (1, 1, 1)).focus_zyx == (5, 5, 5)


def test_a_whole_body_is_cut_to_the_field_around_the_tumour():
    truth = np.zeros((300, 20, 20), np.uint8)
    truth[290, 5, 5] = 1
    view = view_of(truth, truth * 0, (3.0, 10.0, 10.0))
    assert view.start_zyx[0] <= 290 < view.stop_zyx[0] == 300
    assert view.extent_mm(CORONAL) == pytest.approx((FIELD_MM, FIELD_MM), abs=3)


def test_an_outline_runs_along_the_edges_of_the_voxels_in_mm():
    mask = np.zeros((4, 5), bool)
    mask[0, 0:2] = True  # reaches the border of the picture
    (line,) = outlines_mm(mask, (3.0, 2.0))
    assert line.min(axis=0) == pytest.approx((0.0, 0.0))
    assert line.max(axis=0) == pytest.approx((4.0, 3.0))
    assert np.allclose(line[0], line[-1])


def test_an_empty_mask_has_no_outline():
    assert outlines_mm(np.zeros((3, 3)), (1.0, 1.0)) == []
