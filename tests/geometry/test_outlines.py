import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import ndimage

from hnseg.geometry.outlines import SAFE_SHARE, lossless_tolerance_mm, outlines
from hnseg.types import Grid

OBLIQUE = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
masks = nps.arrays(bool, nps.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.booleans())
spacings = st.floats(0.3, 4.0)


def windings(contours, grid):
    """Twice (Z, Y, X): winding number of the contours round each voxel centre, and how often a ray crosses them."""
    turns, crossings = np.zeros(grid.shape_zyx, int), np.zeros(grid.shape_zyx, int)
    y, x = np.mgrid[: grid.shape_zyx[1], : grid.shape_zyx[2]]
    for index, points_lps_mm in contours:
        ring = grid.to_index_zyx(points_lps_mm)
        np.testing.assert_allclose(ring[:, 0], index, atol=1e-9)
        for (_, y0, x0), (_, y1, x1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y0 != y1:
                meets = ((y0 <= y) != (y1 <= y)) & (x0 + (x1 - x0) * (y - y0) / (y1 - y0) > x)
                turns[index] += np.where(meets, np.sign(y1 - y0).astype(int), 0)
                crossings[index] += meets
    return turns, crossings


def distances_mm(points, ring):
    """How far each of the (n, 2) points lies from the nearest piece of a closed ring (m, 2)."""
    start, step = ring[None], (np.roll(ring, -1, axis=0) - ring)[None]
    away = points[:, None] - start
    share = np.clip((away * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-12), 0, 1)
    return np.linalg.norm(away - share[..., None] * step, axis=-1).min(axis=1)


def crosses_itself(ring):
    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    pieces = list(zip(ring, np.roll(ring, -1, axis=0), strict=True))
    return any(
        side(*p, q[0]) * side(*p, q[1]) < -1e-9 and side(*q, p[0]) * side(*q, p[1]) < -1e-9
        for i, p in enumerate(pieces)
        for q in pieces[:i]
    )


def one_slice(*rows):
    mask = np.array([[letter == "#" for letter in row] for row in rows])[None]
    return mask, Grid(mask.shape, (3.0, 1.0, 1.0))


@settings(max_examples=60, deadline=None)
@given(mask=masks, y_mm=spacings, x_mm=spacings, tolerance_mm=st.sampled_from([0.0, 0.1, 5.0]))
def test_contours_give_the_mask_back_by_both_rules_of_filling(mask, y_mm, x_mm, tolerance_mm):
    grid = Grid(mask.shape, (2.5, y_mm, x_mm), (-40.0, 7.0, 100.0), OBLIQUE)
    turns, crossings = windings(outlines(mask, grid, tolerance_mm), grid)
    np.testing.assert_array_equal(np.abs(turns), mask)
    np.testing.assert_array_equal(crossings % 2, mask)


@settings(max_examples=30, deadline=None)
@given(mask=masks, y_mm=spacings, x_mm=spacings)
def test_no_contour_comes_near_a_voxel_centre_or_crosses_itself(mask, y_mm, x_mm):
    grid = Grid(mask.shape, (2.5, y_mm, x_mm))
    y, x = (np.mgrid[-1 : mask.shape[1] + 1, -1 : mask.shape[2] + 1].reshape(2, -1).T * (y_mm, x_mm)).T
    for _, points_lps_mm in outlines(mask, grid, 5.0):
        ring = points_lps_mm[:, :2]
        least = (1 - SAFE_SHARE) * lossless_tolerance_mm(grid)
        assert distances_mm(np.column_stack([x, y]), ring).min() > least - 1e-9
        assert not crosses_itself(ring)


@pytest.mark.parametrize("tolerance_mm", [0.1, 0.25, 5.0])
def test_points_left_out_lie_within_the_tolerance(tolerance_mm):
    y, x = np.mgrid[:40, :50]
    mask = ((y - 20) ** 2 / 300 + (x - 25) ** 2 / 500 < 1)[None]
    grid = Grid(mask.shape, (3.0, 1.1, 0.9))
    ((_, whole),) = outlines(mask, grid, 0.0)
    ((_, fewer),) = outlines(mask, grid, tolerance_mm)
    allowed_mm = min(tolerance_mm, SAFE_SHARE * lossless_tolerance_mm(grid))
    assert distances_mm(whole[:, :2], fewer[:, :2]).max() <= allowed_mm + 1e-9
    assert len(fewer) < len(whole) / 2


def test_a_voxel_is_a_diamond_half_way_to_its_neighbours():
    mask, grid = one_slice("...", ".#.")
    ((index, points),) = outlines(mask, grid, 5.0)
    assert index == 0
    assert sorted(points.tolist()) == [[0.5, 1, 0], [1, 0.5, 0], [1, 1.5, 0], [1.5, 1, 0]]


def test_how_close_a_contour_comes_to_a_centre_is_the_height_of_half_a_pixel():
    assert lossless_tolerance_mm(Grid((1, 2, 2), (9.0, 1.0, 1.0))) == pytest.approx(np.sqrt(2) / 4)
    assert lossless_tolerance_mm(Grid((1, 2, 2), (9.0, 3.0, 4.0))) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("rows", "pieces"),
    [
        (["#..", ".#.", "..#"], 1),  # corners join
        (["#.#", "...", "#.#"], 4),
        (["#####", "#...#", "#.#.#", "#...#", "#####"], 2),  # an island in a hole is its own
        (["####", "#.##", "##.#", "####"], 1),  # two holes at a corner, two channels, one contour
        (["#####", "#.#.#", "#####"], 1),  # the channel of one hole ends at the other
        (["###.###", "#.#.#.#", "###.###"], 2),
    ],
)
def test_pieces_of_a_slice_are_one_contour_each(rows, pieces):
    mask, grid = one_slice(*rows)
    contours = outlines(mask, grid, 5.0)
    assert len(contours) == pieces
    turns, _ = windings(contours, grid)
    np.testing.assert_array_equal(np.abs(turns), mask)


def test_a_channel_has_no_width():
    mask, grid = one_slice("#####", "#####", "##.##", "#####", "#####")
    ((_, points),) = outlines(mask, grid, 5.0)
    places, counts = np.unique(points, axis=0, return_counts=True)
    assert sorted(counts)[-3:] == [1, 2, 2]
    np.testing.assert_array_equal(places[counts == 2], [[2, 1.5, 0], [4.5, 1.5, 0]])
    closed = np.concatenate([points, points[:1]])
    area = abs(np.sum(closed[:-1, 0] * closed[1:, 1] - closed[1:, 0] * closed[:-1, 1])) / 2
    assert area == pytest.approx(25 - 0.5 - 0.5)  # four corners of an eighth are cut off; the hole has half a voxel


@pytest.mark.parametrize(
    ("rows", "ends_x"),
    [
        (["#####.##", "##.##.##", "########"], (2, 4.5)),  # a bay before the far side
        (["#######", "#.##...", "#######"], (1, 4)),  # a bay whose upper side goes on where the channel ends
    ],
)
def test_a_channel_ends_at_the_first_thing_it_meets_and_keeps_both_ends(rows, ends_x):
    mask, grid = one_slice(*rows)
    ((_, points),) = outlines(mask, grid, 5.0)
    places, counts = np.unique(points, axis=0, return_counts=True)
    np.testing.assert_array_equal(places[counts == 2], [[x, 0.5, 0] for x in ends_x])


@settings(max_examples=30, deadline=None)
@given(mask=masks)
def test_every_channel_keeps_both_its_ends_twice(mask):
    contours = outlines(mask, Grid(mask.shape, (1.0, 1.0, 1.0)), 5.0)
    for index in range(len(mask)):
        rings = [points for place, points in contours if place == index]
        doubled = sum(len(points) - len(np.unique(points, axis=0)) for points in rings)
        _, outside = ndimage.label(np.pad(~mask[index], 1, constant_values=True))  # one of them is round everything
        assert doubled == 2 * (outside - 1)


def test_the_border_of_the_image_is_half_a_voxel_beyond_its_centres():
    mask = np.ones((2, 3, 4), bool)
    grid = Grid(mask.shape, (3.0, 1.0, 2.0))
    contours = outlines(mask, grid, 0.1)
    assert [index for index, _ in contours] == [0, 1]
    for _, points in contours:
        np.testing.assert_allclose(points[:, :2].min(axis=0), (-1, -0.5))
        np.testing.assert_allclose(points[:, :2].max(axis=0), (7, 2.5))


def test_an_empty_mask_has_no_contour():
    assert outlines(np.zeros((2, 3, 4), bool), Grid((2, 3, 4), (3.0, 1.0, 1.0)), 0.3) == ()


def test_the_same_mask_gives_the_same_points():
    mask = np.random.default_rng(1).random((3, 20, 20)) < 0.7
    grid = Grid(mask.shape, (3.0, 1.0, 1.0))
    first, second = outlines(mask, grid, 0.3), outlines(mask.copy(order="F"), grid, 0.3)
    assert all(a == b and np.array_equal(p, q) for (a, p), (b, q) in zip(first, second, strict=True))
