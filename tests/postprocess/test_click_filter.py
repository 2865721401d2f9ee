import numpy as np
import pytest

from hnseg.labels import LabelSet
from hnseg.postprocess import ClickFilter, keep_clicked
from hnseg.types import Clicks

LABELS = LabelSet(("GTVp", "GTVn"))
MM = (3.0, 1.0, 1.0)

# two pieces, the left one of voxels that share a corner only
PICTURE = np.array(
    [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 1, 1],
        [0, 0, 1, 0, 1, 1],
        [0, 0, 0, 0, 0, 0],
    ],
    bool,
)
LEFT, RIGHT = PICTURE & (np.arange(6) < 3), PICTURE & (np.arange(6) > 3)


def at(*voxels, axes=2):
    return np.array(voxels, float).reshape(-1, axes)


def clicks(*valued):
    """Clicks of (value, z, y, x)."""
    table = np.array(valued, float).reshape(-1, 4)
    return Clicks(table[:, 1:], table[:, 0].astype(np.uint8), MM)


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (at((1, 1)), LEFT),
        (at((0, 0)), LEFT),  # the corner belongs to the piece
        (at((2, 5)), RIGHT),
        (at((1.4, 4.4)), RIGHT),
        (at((0, 0), (2, 4)), PICTURE),
        (at((1, 4), (1, 5)), RIGHT),
        (at((3, 3)), PICTURE & False),
        (at((3, 3), (1, 1)), LEFT),
        (at(), PICTURE & False),
        (at((-1, -1), (4, 6), (99, 4)), PICTURE & False),  # an index of -1 is not the last voxel
        (at((-2, -2)), PICTURE & False),
    ],
)
def test_of_two_pieces_the_clicked_ones_stay(index, kept) -> None:
    before = PICTURE.copy()
    filtered = keep_clicked(PICTURE, index)
    np.testing.assert_array_equal(filtered, kept)
    assert filtered.dtype == np.bool_
    np.testing.assert_array_equal(before, PICTURE)


@pytest.mark.parametrize("index", [at(), at((3, 0)), at((1, 1))])
@pytest.mark.parametrize("mask", [LEFT, RIGHT, PICTURE & False])
def test_one_piece_or_none_stays_whoever_clicks_where(mask, index) -> None:
    filtered = keep_clicked(mask, index)
    np.testing.assert_array_equal(filtered, mask)
    assert filtered is not mask


@pytest.mark.parametrize(
    ("tolerance", "index", "kept"),
    [
        (1, at((3, 3)), PICTURE),  # touches both by a corner
        (1, at((3, 5)), RIGHT),
        (1, at((0, 3)), RIGHT),
        (1, at((3, 0)), PICTURE & False),
        (2, at((3, 0)), LEFT),
        (1, at((-1, 0)), LEFT),
        (1, at((-2, 0)), PICTURE & False),
    ],
)
def test_a_click_beside_a_piece(tolerance, index, kept) -> None:
    np.testing.assert_array_equal(keep_clicked(PICTURE, index, tolerance), kept)


def test_halves_go_to_the_even_voxel() -> None:
    mask = np.array([[1, 0, 1, 0, 1]], bool)
    assert np.flatnonzero(keep_clicked(mask, at((0, 1.5)))).tolist() == [2]
    assert np.flatnonzero(keep_clicked(mask, at((0, 0.5)))).tolist() == [0]
    assert not keep_clicked(mask, at((0, 1.4))).any()


def volume():
    """Slice 0: both pieces; slice 1: the right one, which makes it one piece in 3-D; slice 2: nothing; slice 3: one."""
    mask = np.zeros((4, 4, 6), np.uint8)
    mask[0], mask[1, RIGHT], mask[3, 0, 0] = PICTURE, 1, 1
    return mask


def test_pieces_of_a_volume() -> None:
    """Three of them: the left one, the right one over two slices, and that of slice 3."""
    kept = ClickFilter().clean(volume(), MM, LABELS, clicks((1, 1, 2, 5)))
    expected = np.zeros_like(volume())
    expected[:2, RIGHT] = 1
    np.testing.assert_array_equal(kept, expected)
    assert kept.dtype == np.uint8
    assert not ClickFilter().clean(volume(), MM, LABELS, clicks()).any()


def test_pieces_of_each_slice() -> None:
    """Slice 0 has two and no click, slices 1 and 3 have one piece each."""
    kept = ClickFilter(2).clean(volume(), MM, LABELS, clicks((1, 1, 2, 5)))
    expected = volume()
    expected[0] = 0
    np.testing.assert_array_equal(kept, expected)
    kept = ClickFilter(2).clean(volume(), MM, LABELS, clicks((1, 0, 1, 1)))
    expected[0, LEFT] = 1
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_single_slice_is_the_same_in_2d_and_3d(spatial_dims) -> None:
    kept = ClickFilter(spatial_dims).clean(PICTURE[None].astype(np.uint8), MM, LABELS, clicks((1, 0, 2, 4)))
    np.testing.assert_array_equal(kept[0], RIGHT)


def test_tolerance_stays_in_its_slice_in_2d() -> None:
    beside, above = clicks((1, 0, 3, 5)), clicks((1, 1, 3, 5))
    mask = np.stack([PICTURE, PICTURE & False]).astype(np.uint8)
    np.testing.assert_array_equal(ClickFilter(2, tolerance_voxels=1).clean(mask, MM, LABELS, beside)[0], RIGHT)
    assert not ClickFilter(2, tolerance_voxels=1).clean(mask, MM, LABELS, above).any()
    np.testing.assert_array_equal(ClickFilter(3, tolerance_voxels=1).clean(mask, MM, LABELS, above)[0], RIGHT)
    assert not ClickFilter(2).clean(mask, MM, LABELS, beside).any()


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_nobody_was_asked(spatial_dims) -> None:
    mask = volume()
    kept = ClickFilter(spatial_dims).clean(mask, MM, LABELS)
    np.testing.assert_array_equal(kept, mask)
    assert kept is not mask


def test_each_structure_has_its_own_clicks() -> None:
    mask = np.zeros((3, 4, 12), np.uint8)
    mask[0, :, :6][PICTURE], mask[2, :, 6:][PICTURE] = 1, 2
    kept = ClickFilter().clean(mask, MM, LABELS, clicks((1, 0, 1, 4), (2, 2, 0, 6), (1, 2, 1, 10), (0, 0, 1, 1)))
    np.testing.assert_array_equal(kept[0, :, :6], RIGHT)  # a negative click on the left piece keeps nothing
    np.testing.assert_array_equal(kept[2, :, 6:], 2 * LEFT)
    only = ClickFilter(structures=["GTVn"]).clean(mask, MM, LABELS, clicks((2, 2, 0, 6)))
    np.testing.assert_array_equal(only[0, :, :6], PICTURE)
    np.testing.assert_array_equal(only[2, :, 6:], 2 * LEFT)


def test_a_structure_that_is_not_outlined_is_named() -> None:
    with pytest.raises(ValueError, match=r"click_filter.structures names \['gtvp'\].*\['GTVp', 'GTVn'\]"):
        ClickFilter(structures=["gtvp"]).clean(volume(), MM, LABELS)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"spatial_dims": 1}, "spatial_dims is 1"),
        ({"tolerance_voxels": -1}, "0 or"),
        ({"tolerance_voxels": 0.5}, "whole"),
    ],
)
def test_settings_that_mean_nothing(changes, says) -> None:
    with pytest.raises(ValueError, match=says):
        ClickFilter(**changes)


@pytest.mark.parametrize("tolerance", [0, 1])
def test_against_a_slow_second_version(tolerance) -> None:
    """Random masks; a piece grows voxel by voxel from each click's neighbourhood."""
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(40):
        mask = rng.random((3, 5, 6)) < 0.15
        index = rng.integers(0, (3, 5, 6), (rng.integers(3), 3)).astype(float)
        expected = slow(mask, index, tolerance)
        np.testing.assert_array_equal(keep_clicked(mask, index, tolerance), expected)
        seen.add((bool(expected.any()), bool((expected != mask).any())))
    assert len(seen) >= 3


def slow(mask, index, tolerance):
    inside = {tuple(voxel) for voxel in np.argwhere(mask).tolist()}

    def grown(seeds):
        piece, new = set(), {seed for seed in seeds if seed in inside}
        while new:
            piece |= new
            new = {
                v for v in inside - piece if any(max(abs(a - b) for a, b in zip(v, n, strict=True)) == 1 for n in new)
            }
        return piece

    if not inside or grown([min(inside)]) == inside:
        return mask
    near = [v for v in inside if any(max(abs(a - b) for a, b in zip(v, at, strict=True)) <= tolerance for at in index)]
    kept = np.zeros_like(mask)
    for voxel in grown(near):
        kept[voxel] = True
    return kept
