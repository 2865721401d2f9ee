"""What hostile contours cost is counted here, and what is done of it, not timed."""

from collections import Counter

import numpy as np
import pytest

from hnseg.geometry import contour_mask as contour_mask_module
from hnseg.geometry import contour_shape as contour_shape_module
from hnseg.geometry import polygon_fill
from hnseg.geometry.contour_mask import contour_mask
from hnseg.geometry.contour_shape import Window, contour_shape
from hnseg.geometry.work import Work, row_crossings
from hnseg.types import Grid

GRID = Grid((40, 64, 64), (1.0, 1.0, 1.0))
SLACK = np.array([0.05, 0.05])


def nested(size, count):
    """Triangles around (32, 32), each in the one before."""
    half = np.linspace(size, size / 2, count)[:, None, None]
    return 32 + half * np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, 0.0)])


def zigzag(corners, width=64.0):
    return np.column_stack([np.arange(corners) % 2 * width, np.linspace(0, 63, corners)])


def square(low, high):
    return np.array([(low, low), (low, high), (high, high), (high, low)]) - 0.5


def on_plane(z, polygons_yx, grid=GRID):
    return [grid.to_lps_mm(np.insert(polygon, 0, z, axis=1)) for polygon in polygons_yx]


TALL = Grid((4, 510, 64), (1.0, 1.0, 1.0))
ZIGZAG = np.tile(zigzag(1000, 510.0), (500, 1))


@pytest.fixture
def done(monkeypatch):
    """Crossings of edges and rows, and polygons that were compared."""
    counter: Counter[str] = Counter()
    crossed, compare = polygon_fill._crossed, contour_shape_module._compare

    def counted(low, high, first, count, columns):
        counter["crossings"] += int(count.sum())
        return crossed(low, high, first, count, columns)

    def compared(*args):
        counter["compared"] += 1
        return compare(*args)

    monkeypatch.setattr(polygon_fill, "_crossed", counted)
    monkeypatch.setattr(contour_shape_module, "_compare", compared)
    return counter


def test_work_is_taken_until_too_little_is_left():
    work = Work(10)
    assert [work.take(n) for n in (6, 5, 4, 1, 0)] == [True, False, True, False, True]


def test_crossings_are_counted_as_they_are_filled(done):
    corners = zigzag(20)
    polygon_fill.fill_polygon(corners, (64, 64))
    (expected,) = row_crossings(corners, np.array([20]))
    assert done["crossings"] == expected - 20 == 20 * 64


def test_pairs_of_all_planes_share_one_budget(monkeypatch, done):
    """Forty planes of twelve triangles: 2640 pairs, of which the budget holds those of a few planes."""
    contours = [c for z in range(40) for c in on_plane(z, nested(30, 12))]
    unlimited, _ = contour_mask(contours, GRID)
    assert done["compared"] == 40 * 66
    done.clear()
    monkeypatch.setattr(contour_mask_module, "_MOST_COMPARING", 1_500_000)
    mask, notes = contour_mask(contours, GRID)
    assert 0 < done["compared"] <= 1_500_000 / 2_500
    assert any("planes have too many contours to be compared" in note for note in notes)
    np.testing.assert_array_equal(mask, unlimited)  # contours that lie in one another are those of the even-odd rule


def test_a_pair_of_many_corners_costs_more_than_one_of_few():
    few, many = [nested(30, 2), [zigzag(4000), 0.5 * zigzag(4000)]]
    for polygons, compared in ((few, True), (many, False)):
        assert contour_shape(list(polygons), SLACK, Work(100_000)).compared is compared


def test_what_many_overlapping_contours_hold_is_not_filled_for_each_of_them(done):
    around = [square(2, 52) + np.array([0, x]) for x in range(10)]
    within = [square(12 + k / 6, 51 - k / 6) for k in range(30)]
    shape = contour_shape([*around, *within], SLACK)
    assert not shape.compared
    done.clear()
    shape.fill(Window((0, 0), (64, 64)))
    assert done["crossings"] <= 40 * 2 * 50


def test_a_zigzag_of_half_a_million_points_is_left_out_and_says_so(done):
    mask, notes = contour_mask(on_plane(2, [ZIGZAG], TALL), TALL)
    assert (mask.any(), done["crossings"]) == (False, 0)
    assert [note for note in notes if "empty" in note] == [
        "its 500000 points cross the rows of the image 255000000 times: too much to fill, so its mask is empty"
    ]


def test_planes_that_no_slice_needs_cost_nothing(done):
    far = on_plane(1000, [ZIGZAG], TALL)
    mask, _ = contour_mask([*far, *on_plane(2, [square(10, 20)], TALL)], TALL)
    assert (mask.sum(), done["crossings"]) == (100, 20)


def test_five_thousand_contours_of_a_plane_are_filled_at_once(done):
    corners = np.random.default_rng(0).uniform(0, 60, (5_000, 1, 2)) + np.array([(0, 0), (0, 3), (3, 0)])
    mask, notes = contour_mask(on_plane(5, corners), GRID)
    expected = np.zeros(GRID.shape_zyx[1:], bool)
    for triangle in corners:
        expected ^= polygon_fill.fill_polygon(triangle, expected.shape)
    np.testing.assert_array_equal(mask[5], expected)
    assert done["compared"] == 0
    assert any("1 planes have too many contours" in note for note in notes)


def test_slices_between_contours_too_intricate_take_the_nearer_ones(monkeypatch):
    planes = [(z, square(10, 50 if z % 8 else 20)) for z in range(0, 40, 4)]
    contours = [c for z, polygon in planes for c in on_plane(z, [polygon])]
    grown, _ = contour_mask(contours, GRID)
    monkeypatch.setattr(contour_mask_module, "_MOST_COMPARING", 1_000_000)
    mask, notes = contour_mask(contours, GRID)
    # a pair of planes is 1500 voxels, of which each is looked for twice at 200 crossings: one of nine is done
    np.testing.assert_array_equal(mask[:5], grown[:5])
    assert [mask[z].sum() for z in (5, 6, 7, 8, 9, 10)] == [1600, 100, 100, 100, 100, 1600]
    assert any("24 slices between contours too intricate" in note for note in notes)
    assert any("3 slices were interpolated" in note for note in notes)
