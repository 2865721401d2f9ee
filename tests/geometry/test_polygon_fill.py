from fractions import Fraction
from itertools import pairwise
from math import ceil

import matplotlib.path
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hnseg.geometry import polygon_fill
from hnseg.geometry.polygon_fill import fill_polygon

corner_lists = st.lists(st.tuples(st.floats(-3, 15), st.floats(-3, 15)), min_size=3, max_size=12)
half_voxels = st.integers(-6, 30).map(lambda n: n / 2)


def rows(*text):
    return np.array([[c == "x" for c in line] for line in text])


def test_a_square_has_its_low_edges_and_not_its_high_ones():
    square = np.array([(1, 1), (1, 3), (3, 3), (3, 1)])
    for corners in (square, square[::-1], np.concatenate([square, square[:1]])):
        np.testing.assert_array_equal(fill_polygon(corners, (4, 5)), rows(".....", ".xx..", ".xx..", "....."))


def test_two_triangles_share_the_samples_on_their_common_edge():
    below_diagonal = np.array([(0, 0), (4, 4), (4, 0)])
    above_diagonal = np.array([(0, 0), (4, 4), (0, 4)])
    np.testing.assert_array_equal(fill_polygon(below_diagonal, (4, 4)), rows("....", "x...", "xx..", "xxx."))
    np.testing.assert_array_equal(fill_polygon(above_diagonal, (4, 4)), rows("xxxx", ".xxx", "..xx", "...x"))


def test_a_keyhole_has_its_hole_and_a_figure_of_eight_both_loops():
    keyhole = np.array([(0, 0), (0, 6), (6, 6), (6, 0), (0, 0), (2, 2), (4, 2), (4, 4), (2, 4), (2, 2)]) - 0.5
    ring = rows("xxxxxx", "xxxxxx", "xx..xx", "xx..xx", "xxxxxx", "xxxxxx")
    np.testing.assert_array_equal(fill_polygon(keyhole, (6, 6)), ring)
    eight = np.array([(0.5, 0.6), (4.5, 5.1), (4.5, 0.6), (0.5, 5.1)])
    loops = rows("......", "..xxx.", "...x..", "...x..", "..xxx.", "......")
    np.testing.assert_array_equal(fill_polygon(eight, (6, 6)), loops)


@settings(max_examples=60, deadline=None)
@given(corner_lists)
def test_samples_off_the_edges_are_as_matplotlib_has_them(corners):
    corners = np.array(corners)
    samples = np.argwhere(np.ones((11, 13), bool))
    clear = edge_distance(samples, corners) > 1e-4
    expected = even_odd(samples, corners)
    np.testing.assert_array_equal(fill_polygon(corners, (11, 13)).ravel()[clear], expected[clear])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-300, 1500), st.integers(-300, 1500)), min_size=3, max_size=9))
@example([(597, 950), (609, 750), (609, 1200), (597, 1200)])  # a steep edge through centre (6, 9), from a real file
@example(
    [(468, 180), (1095, 1225), (1095, 1300), (468, 1300)]
)  # through (6, 4), which floating point misses by a digit
def test_corners_of_two_decimals_fill_what_exact_arithmetic_says_ties_included(hundredths):
    filled = fill_polygon(np.array(hundredths) / 100, (11, 13))
    np.testing.assert_array_equal(filled, exact_fill([(Fraction(y, 100), Fraction(x, 100)) for y, x in hundredths]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(half_voxels, half_voxels), min_size=2, max_size=8), st.floats(0.01, 0.99))
def test_polygons_either_side_of_a_line_share_no_sample_and_leave_none_out(line, part):
    """A jagged line from the left edge to the right one, through centres more often than not."""
    line = np.array([(5, -4), *line, (5, 20)], float)
    more = np.insert(line, 1, line[0] + part * (line[1] - line[0]), axis=0)  # one more point on the same line
    above = fill_polygon(np.concatenate([line, [(-9, 20), (-9, -4)]]), (12, 14))
    below = fill_polygon(np.concatenate([more[::-1], [(30, -4), (30, 20)]]), (12, 14))
    assert np.all(above ^ below)


def test_the_area_goes_to_that_of_the_polygon_as_samples_get_finer():
    corners = np.array([(0.11, 0.07), (0.93, 0.31), (0.55, 0.52), (0.81, 0.97), (0.05, 0.77)])
    y, x = corners.T
    exact = abs(np.sum(y * np.roll(x, -1) - x * np.roll(y, -1))) / 2
    errors = [abs(fill_polygon(corners * n - 0.5, (n, n)).mean() - exact) for n in (8, 64, 1024)]
    assert errors[1] < 5e-3
    assert errors[2] < 2e-4


def test_what_lies_outside_is_cut_off_and_fewer_than_three_corners_are_nothing():
    everything = np.array([(-1e5, -1e5), (-1e5, 1e5), (1e5, 1e5), (1e5, -1e5)])
    assert fill_polygon(everything, (3, 4)).all()
    assert not fill_polygon(everything + 3e5, (3, 4)).any()
    for n in range(3):
        assert not fill_polygon(everything[:n], (3, 4)).any()


def test_many_crossings_are_counted_in_parts(monkeypatch):
    corners = np.random.default_rng(0).uniform(-2, 22, (40, 2))
    at_once = fill_polygon(corners, (20, 20))
    monkeypatch.setattr(polygon_fill, "_CROSSINGS_AT_ONCE", 7)
    np.testing.assert_array_equal(fill_polygon(corners, (20, 20)), at_once)


def exact_fill(corners):
    """(11, 13) row by row, between crossings that are rational numbers."""
    mask = np.zeros((11, 13), bool)
    edges = [sorted(edge) for edge in zip(corners, corners[1:] + corners[:1], strict=True)]
    for y, row in enumerate(mask):
        crossings = sorted(a[1] + (y - a[0]) * (b[1] - a[1]) / (b[0] - a[0]) for a, b in edges if a[0] <= y < b[0])
        for start, end in zip(crossings[::2], crossings[1::2], strict=True):
            row[max(ceil(start), 0) : max(ceil(end), 0)] = True
    return mask


def even_odd(samples, corners):
    """Triangles from the first corner: a sample is inside where an odd number of them holds it."""
    inside = np.zeros(len(samples), bool)
    for second, third in pairwise(corners[1:]):
        inside ^= matplotlib.path.Path(np.array([corners[0], second, third])).contains_points(samples)
    return inside


def edge_distance(samples, corners):
    """To the edges and to the fan's diagonals, where the oracle rounds."""
    pairs = [(a, b) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)] + [(corners[0], c) for c in corners]
    distances = []
    for start, end in pairs:
        along = end - start
        t = np.clip((samples - start) @ along / max(along @ along, 1e-12), 0, 1)
        distances.append(np.linalg.norm(start + t[:, None] * along - samples, axis=1))
    return np.min(distances, axis=0)


@pytest.mark.parametrize("shape", [(0, 5), (1, 1)])
def test_tiny_images(shape):
    assert fill_polygon(np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]), shape).sum() == np.prod(shape)
