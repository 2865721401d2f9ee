import numpy as np
import pytest

from hnseg.geometry import contour_shape as contour_shape_module
from hnseg.geometry.contour_shape import Window, contour_shape

SLACK = np.array([0.05, 0.05])
WHOLE = Window((0, 0), (20, 20))


def square(low, high, x_shift=0.0):
    return np.array([(low, low + x_shift), (low, high + x_shift), (high, high + x_shift), (high, low + x_shift)]) - 0.5


def filled(*polygons):
    return contour_shape(polygons, SLACK).fill(WHOLE)


def boxes(*signed):
    """Squares painted one after the other: (low, high, value)."""
    mask = np.zeros((20, 20), bool)
    for low, high, value in signed:
        mask[low:high, low:high] = value
    return mask


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)])
def test_holes_islands_and_their_holes_in_any_order(order):
    nest = [square(1, 19), square(3, 17), square(5, 15), square(8, 12)]
    expected = boxes((1, 19, True), (3, 17, False), (5, 15, True), (8, 12, False))
    np.testing.assert_array_equal(filled(*(nest[i] for i in order)), expected)


def test_a_hole_that_touches_the_rim_or_sticks_out_by_rounding_is_a_hole():
    bump = [(5.0, 1.5), (5.0, 1.4), (4.0, 1.4), (4.0, 1.5)]
    for hole in (square(2, 8), square(1.99, 8), np.concatenate([square(2, 8), bump])):
        shape = contour_shape([square(2, 18), hole], SLACK)
        assert shape.overlaps == 0
        np.testing.assert_array_equal(shape.fill(WHOLE), boxes((2, 18, True), (2, 8, False)))


def test_overlapping_contours_are_united_and_a_hole_in_both_is_one_hole():
    left, right, hole = square(2, 14), square(2, 14, 4), square(7, 11, 1)
    shape = contour_shape([left, right, hole], SLACK)
    expected = np.zeros((20, 20), bool)
    expected[2:14, 2:18] = True
    expected[7:11, 8:12] = False
    np.testing.assert_array_equal(shape.fill(WHOLE), expected)
    assert (shape.overlaps, shape.doubles) == (1, 0)


def test_a_contour_that_is_there_twice_counts_once_however_it_was_written():
    again = np.roll(square(3, 12)[::-1], 1, axis=0) + 0.01
    shape = contour_shape([square(3, 12), again, square(3, 12), square(5, 7)], SLACK)
    np.testing.assert_array_equal(shape.fill(WHOLE), boxes((3, 12, True), (5, 7, False)))
    assert (shape.overlaps, shape.doubles) == (0, 2)


def test_a_thin_shell_is_no_double():
    wide = np.array([(0, 0), (0, 400), (400, 400), (400, 0)]) - 0.5
    shape = contour_shape([wide, wide * 0.996 + 0.6], SLACK)
    assert shape.doubles == 0
    assert shape.fill(Window((0, 0), (400, 400))).sum() == 400**2 - 398**2


def test_neighbours_with_a_common_edge_and_an_island_in_a_keyhole_are_joined():
    np.testing.assert_array_equal(filled(square(2, 8), square(2, 8, 6)).sum(axis=0)[2:14], np.full(12, 6))
    keyhole = np.concatenate([square(2, 18), square(2, 18)[:1], square(5, 15)[::-1], square(5, 15)[-1:]])
    expected = boxes((2, 18, True), (5, 15, False), (8, 11, True))
    np.testing.assert_array_equal(filled(keyhole, square(8, 11)), expected)


def test_too_many_to_compare_fall_back_to_the_even_odd_rule(monkeypatch):
    monkeypatch.setattr(contour_shape_module, "_MAX_PAIRS", 1)
    shape = contour_shape([square(1, 19), square(3, 17), square(5, 15)], SLACK)
    assert not shape.compared
    np.testing.assert_array_equal(shape.fill(WHOLE), boxes((1, 19, True), (3, 17, False), (5, 15, True)))


def test_a_window_may_be_finer_than_voxels_and_start_anywhere():
    shape = contour_shape([square(3, 12), square(5, 7)], SLACK)
    fine = shape.fill(Window((2, 4), (31, 26), 3))
    np.testing.assert_array_equal(fine[::3, ::3], shape.fill(WHOLE)[2:13, 4:13])
