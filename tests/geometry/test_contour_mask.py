from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnseg.geometry.contour_mask import contour_mask
from hnseg.types import AXIAL_DIRECTION, Grid

GRID = Grid((8, 20, 24), (3.0, 1.0, 1.0))
OBLIQUE = AXIAL_DIRECTION @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
DIRECTIONS = {
    "supine": AXIAL_DIRECTION,
    "prone": AXIAL_DIRECTION * [1, -1, -1],
    "feet first": AXIAL_DIRECTION * [-1, 1, -1],
    "descending, left-handed": AXIAL_DIRECTION * [-1, 1, 1],
    "sagittal": np.eye(3),
    "oblique": OBLIQUE,
}


def square(z, low, high, x_shift=0.0):
    """Around voxels low .. high - 1, in indices (z, y, x)."""
    yx = np.array([(low, low + x_shift), (low, high + x_shift), (high, high + x_shift), (high, low + x_shift)]) - 0.5
    return np.column_stack([np.full(4, float(z)), yx])


def circle(z, radius, centre=(10.0, 11.0), n=90):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack(
        [np.full(n, float(z)), centre[0] + radius * np.sin(angle), centre[1] + radius * np.cos(angle)]
    )


def drawn(*index_contours, grid=GRID):
    return [grid.to_lps_mm(contour) for contour in index_contours]


def boxes(grid, *spans):
    mask = np.zeros(grid.shape_zyx, bool)
    for z, low, high in spans:
        mask[z, low:high, low:high] = True
    return mask


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_squares_fill_their_voxels_in_any_direction(direction):
    grid = Grid((8, 20, 24), (3.0, 0.9, 1.7), (-50.0, 210.5, 1013.25), direction)
    mask, notes = contour_mask(drawn(square(2, 5, 9), square(3, 4, 12), square(3, 6, 8), grid=grid), grid)
    expected = boxes(grid, (2, 5, 9), (3, 4, 12))
    expected[3, 6:8, 6:8] = False
    np.testing.assert_array_equal(mask, expected)
    assert notes == ()


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_the_volume_of_a_sphere_in_any_direction(direction):
    grid = Grid((30, 48, 40), (2.5, 1.25, 1.5), (7.0, -8.0, 900.0), direction)
    radius, centre = 25.0, np.array([14.2, 23.7, 19.4])
    contours = []
    for z in range(30):
        reach = radius**2 - ((z - centre[0]) * 2.5) ** 2
        if reach > 0:
            unit = circle(z, np.sqrt(reach), (0, 0), 200)
            contours.append(unit / [1, 1.25, 1.5] + [0, centre[1], centre[2]])
    mask, notes = contour_mask(drawn(*contours, grid=grid), grid)
    exact = 4 / 3 * np.pi * radius**3
    assert notes == ()
    assert mask.sum() * grid.voxel_volume_mm3 == pytest.approx(exact, rel=0.01)
    np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), centre, atol=0.05)


voxel_corners = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 24)), min_size=3, max_size=7)


@settings(max_examples=40, deadline=None)
@given(voxel_corners, st.tuples(*[st.booleans()] * 3), st.tuples(*[st.integers(-3, 3)] * 3), st.sampled_from([0, 0.5]))
def test_mirrored_and_shifted_grids_have_the_mirrored_and_shifted_mask(corners, mirrored, shift, offset):
    """With corners in voxel centres as often as not, so that ties are tied alike."""
    spacing_mm = (3.27, 0.976562, 1.1)
    grid = Grid((4, 20, 24), spacing_mm, (-249.51, 101.3, -77.7), AXIAL_DIRECTION)
    corners = np.array(corners) - offset
    contours = drawn(*[np.column_stack([np.full(len(corners), z), corners]) for z in (1.5, 3.5)], grid=grid)
    mask, _ = contour_mask(contours, grid)
    axes = tuple(np.flatnonzero(mirrored).tolist())
    last = np.where(mirrored, np.array(grid.shape_zyx) - 1, 0)
    signs = np.where(mirrored, -1.0, 1.0)
    mirror = Grid(grid.shape_zyx, spacing_mm, tuple(grid.to_lps_mm(last)), AXIAL_DIRECTION * signs)
    np.testing.assert_array_equal(contour_mask(contours, mirror)[0], np.flip(mask, axes))
    moved = [contour + grid.affine[:3, :3] @ shift for contour in contours]
    wide = grid.crop((-3, -3, -3), (10, 26, 30))
    inner = tuple(slice(3 + s, 3 + s + n) for s, n in zip(shift, grid.shape_zyx, strict=True))
    unmoved = tuple(slice(3, 3 + n) for n in grid.shape_zyx)
    np.testing.assert_array_equal(contour_mask(moved, wide)[0][inner], contour_mask(contours, wide)[0][unmoved])


def test_contours_between_slices_follow_a_cone():
    """A cone of which every fourth millimetre was drawn, with half millimetres between contours and slices."""
    grid = Grid((40, 60, 60), (1.0, 1.0, 1.0))
    heights = np.arange(4.5, 36, 4)
    mask, notes = contour_mask(drawn(*[circle(z, 6 + 0.4 * z, (30, 29.5), 180) for z in heights], grid=grid), grid)
    radii = np.sqrt(mask.sum(axis=(1, 2)) / np.pi)
    inside = np.arange(5, 36)[:-3]
    np.testing.assert_allclose(radii[inside], 6 + 0.4 * inside, atol=0.12)
    assert np.flatnonzero(radii).tolist() == list(range(3, 35))
    assert any("28 slices were interpolated" in note for note in notes)


def test_a_shifted_tube_is_interpolated_between_its_ends():
    ends = [circle(z, 4, (10, x)) for z, x in ((1, 8.0), (3, 11.0), (5, 14.0))]
    mask, _ = contour_mask(drawn(*ends), GRID)
    centres = [np.argwhere(mask[z]).mean(axis=0)[1] for z in (2, 4)]
    np.testing.assert_allclose(centres, [9.5, 12.5], atol=0.1)


def test_pet_contours_of_coarser_slices_keep_their_volume_on_the_ct():
    grid = Grid((40, 30, 30), (1.5, 1.0, 1.0))
    planes = [circle(z / 1.5, 8, (15.3, 14.6), 120) for z in 10 + 5 * np.arange(6)]
    mask, _ = contour_mask(drawn(*planes, grid=grid), grid)
    assert mask.sum() * 1.5 == pytest.approx(np.pi * 64 * 30, rel=0.02)


def test_two_structures_with_a_common_wall_share_no_voxel():
    wall = np.array([(0, 11.0), (5, 11), (8, 14), (20, 14)])
    outside_left, outside_right = [(20, -1), (0, -1)], [(0, 24), (20, 24)]
    left = [np.column_stack([np.full(6, z), [*wall, *outside_left]]) for z in (2, 4, 6)]
    right = [np.column_stack([np.full(6, z), [*wall[::-1], *outside_right]]) for z in (2, 4, 6)]
    above = [contour + np.array([6, 0, 0]) for contour in left]
    grid = Grid((14, 20, 24), (1.0, 1.0, 1.0))
    masks = [contour_mask(drawn(*contours, grid=grid), grid)[0] for contours in (left, right, above)]
    expected = np.zeros(grid.shape_zyx, int)
    expected[2:7] = 1
    expected[8:13] = masks[0][2]  # what lies between the two was drawn by neither
    np.testing.assert_array_equal(np.sum(masks, axis=0), expected)


NO_AREA = "have fewer than 3 different points"


@pytest.mark.parametrize(
    ("contours", "note"),
    [
        ([square(2, 5, 9)[:1]], f"1 of 1 contours {NO_AREA}"),
        ([square(2, 5, 9)[[0, 1, 0, 1]], square(2, 5, 9)], f"1 of 2 contours {NO_AREA}"),
        ([np.zeros((0, 3)), square(2, 5, 9)], f"1 of 2 contours {NO_AREA}"),
        ([square(2, 5, 9) + np.array([[0, 0, np.nan]])], "1 of 1 contours have positions that are no numbers"),
        ([square(2, 5, 9) * 1e9], "1 of 1 contours have positions that are no numbers, or beyond 100 m"),
        ([square(2, 5, 9)[:, [1, 0, 2]], square(2, 5, 9)], "1 of 2 contours lie in planes that are not parallel"),
        ([square(2, 5, 9) + np.eye(4, 3, -1) * 0.3], "not parallel"),
        ([square(2, 5, 9), square(-1, 5, 9), square(11, 5, 9)], "2 of 3 contour planes lie before the first or behind"),
        ([square(2, 15, 28)], "1 of 1 contours reach beyond the edge"),
        ([square(2, 8.6, 9.4)], "on 1 slices its contours hold no voxel centre"),
        ([square(2, 5, 9), square(2, 5, 9)[::-1]], "1 contours are there twice"),
        ([square(2, 5, 9), square(2, 5, 9, 2)], "1 pairs of contours overlap in part"),
        ([square(1, 5, 9), square(2, 5, 9), square(4, 5, 9)], "1 times one contour seems to be forgotten"),
        ([square(z, 5, 9) for z in (1, 1.4, 1.7)], "2 of 3 contour planes lie between slices"),
        ([square(0, 5, 9), square(4, 5, 9), square(8, 5, 9)], "12.0 mm apart, too far"),
        ([square(1, 2, 5), square(3, 2, 5, 12), square(5, 2, 5)], "on 2 slices between contours of unlike place"),
    ],
)
def test_nothing_is_left_out_in_silence(contours, note):
    mask, notes = contour_mask(drawn(*contours), GRID)
    assert any(note in text for text in notes), notes
    assert mask.any() != any("its mask is empty" in text for text in notes)


def test_two_lobes_far_apart_are_no_forgotten_slice_and_nothing_drawn_is_nothing_to_say():
    lobes = [square(0, 5, 9), square(1, 5, 9), square(5, 5, 9), square(6, 5, 9)]
    mask, notes = contour_mask(drawn(*lobes), GRID)
    assert (mask.any(axis=(1, 2)).tolist(), notes) == ([True] * 2 + [False] * 3 + [True] * 2 + [False], ())
    mask, notes = contour_mask([], GRID)
    assert (mask.any(), mask.shape, mask.dtype, notes) == (False, GRID.shape_zyx, bool, ())


def test_a_repeated_last_point_and_many_contours_of_a_slice_change_nothing():
    closed = np.concatenate([square(2, 5, 9), square(2, 5, 9)[:1]])
    np.testing.assert_array_equal(contour_mask(drawn(closed), GRID)[0], boxes(GRID, (2, 5, 9)))
    tiles = [square(1, y, y + 2, x - y) for y, x in product(range(0, 20, 4), range(0, 24, 4))]
    mask, notes = contour_mask(drawn(*tiles), GRID)
    assert (mask.sum(), notes) == (4 * len(tiles), ())


def test_one_slice_is_enough_of_a_grid():
    grid = Grid((1, 20, 24), (5.0, 1.0, 1.0))
    assert contour_mask(drawn(square(0, 5, 9), grid=grid), grid)[0].sum() == 16
    assert contour_mask(drawn(square(0.4, 5, 9), grid=grid), grid)[0].sum() == 16
