import numpy as np
import pytest

from hnseg.geometry.simplify import simplify_closed

NONE_FIXED = np.zeros(8, bool)
SQUARE = np.array([(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)], float)


def test_points_on_straight_sides_go():
    np.testing.assert_array_equal(simplify_closed(SQUARE, NONE_FIXED, 0.01), SQUARE[::2])


def test_no_tolerance_keeps_all():
    np.testing.assert_array_equal(simplify_closed(SQUARE, NONE_FIXED, 0.0), SQUARE)


def test_fixed_points_stay_and_come_first():
    fixed = NONE_FIXED.copy()
    fixed[[3, 5]] = True
    kept = simplify_closed(SQUARE, fixed, 0.01)
    np.testing.assert_array_equal(kept, [(1, 2), (2, 2), (2, 1), (2, 0), (0, 0), (0, 2)])


@pytest.mark.parametrize(("tolerance", "left"), [(0.29, 5), (0.31, 4)])
def test_a_bump_goes_once_it_is_within_the_tolerance(tolerance, left):
    bumpy = SQUARE.copy()
    bumpy[1] = (-0.3, 1)
    assert len(simplify_closed(bumpy, NONE_FIXED, tolerance)) == left


def test_a_spike_is_measured_to_the_piece_that_replaces_it_and_not_to_its_line():
    spiked = np.array([(0, 0), (0, 4), (0, 2), (2, 2), (2, 0)], float)  # (0, 4) lies on the line from (0, 0) to (0, 2)
    assert [0, 4] in simplify_closed(spiked, np.array([True, False, True, False, False]), 1.0).tolist()
