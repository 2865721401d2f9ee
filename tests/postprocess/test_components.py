import numpy as np
import pytest

from hnseg.labels import LabelSet
from hnseg.postprocess import DropSmall, FillHoles, KeepLargest

LABELS = LabelSet(("GTVp", "GTVn"), "softmax")
MM = (1.0, 1.0, 1.0)


def empty(*shape):
    return np.zeros(shape or (8, 9, 10), np.uint8)


def test_keeps_the_largest_piece_of_each_structure() -> None:
    mask, expected = empty(), empty()
    mask[1:3, 1:3, 1:3] = expected[1:3, 1:3, 1:3] = 1
    mask[1, 1, 8] = 1
    mask[6, 6, 1:6] = expected[6, 6, 1:6] = 2
    mask[3:5, 4, 8:] = 2  # four voxels of the second structure, against five
    kept = KeepLargest().clean(mask, MM, LABELS)
    np.testing.assert_array_equal(kept, expected)
    assert kept.dtype == np.uint8
    assert mask.sum() > expected.sum()  # the input stays as it was


@pytest.mark.parametrize("named", [["GTVp"], "GTVp", ("GTVp",)])
def test_only_named_structures_change(named) -> None:
    mask = empty()
    mask[0, 0, [0, 1, 5]] = 1
    mask[4, 4, [0, 1, 5]] = 2
    kept = KeepLargest(named).clean(mask, MM, LABELS)
    assert np.count_nonzero(kept == 1) == 2
    assert np.count_nonzero(kept == 2) == 3


@pytest.mark.parametrize("step", [KeepLargest(["gtvp"]), DropSmall(1, ["gtvp"]), FillHoles(["gtvp"])])
def test_a_structure_that_is_not_outlined_is_named(step) -> None:
    with pytest.raises(ValueError, match=r"structures names \['gtvp'\].*\['GTVp', 'GTVn'\]"):
        step.clean(empty(), MM, LABELS)


def test_drops_by_volume_and_not_by_voxels() -> None:
    mask = empty()
    mask[1, 1, 1:4] = 1  # three voxels
    mask[5, 5, 1:5] = 1  # four
    spacing_mm = (3.0, 0.9, 0.9)
    four = 4 * 3.0 * 0.9 * 0.9
    assert np.count_nonzero(DropSmall(four).clean(mask, spacing_mm, LABELS)) == 4
    assert np.count_nonzero(DropSmall(four + 0.01).clean(mask, spacing_mm, LABELS)) == 0
    assert np.count_nonzero(DropSmall(four).clean(mask, (4.1, 0.9, 0.9), LABELS)) == 7
    assert np.count_nonzero(DropSmall(0.0).clean(mask, spacing_mm, LABELS)) == 7


def test_pieces_that_share_a_corner_are_one() -> None:
    mask = empty()
    mask[1, 1, 1] = mask[2, 2, 2] = 1
    mask[5, 5, 5] = 2  # the other structure does not add to it
    mask[3, 3, 3] = 2
    cleaned = DropSmall(2.0).clean(mask, MM, LABELS)
    assert np.count_nonzero(cleaned == 1) == 2
    assert np.count_nonzero(cleaned == 2) == 0


@pytest.mark.parametrize("volume", [-0.1, float("nan"), float("inf")])
def test_a_volume_is_a_number(volume) -> None:
    with pytest.raises(ValueError, match="min_volume_mm3"):
        DropSmall(volume)


def test_fills_what_is_enclosed_and_nothing_else() -> None:
    mask = empty(9, 9, 9)
    mask[1:8, 1:8, 1:8] = 1
    mask[3:6, 3:6, 3:6] = 0
    expected = mask.copy()
    expected[3:6, 3:6, 3:6] = 1
    np.testing.assert_array_equal(FillHoles().clean(mask, MM, LABELS), expected)
    mask[4, 4, :3] = 0  # a channel to the outside: no hole
    np.testing.assert_array_equal(FillHoles().clean(mask, MM, LABELS), mask)


@pytest.mark.parametrize(("around", "within"), [(1, 2), (2, 1)])
def test_a_hole_keeps_the_other_structure_in_it(around, within) -> None:
    mask = empty(9, 9, 9)
    mask[1:8, 1:8, 1:8] = around
    mask[3:6, 3:6, 3:6] = 0
    mask[4, 4, 4] = within
    filled = FillHoles().clean(mask, MM, LABELS)
    assert filled[4, 4, 4] == within
    assert np.count_nonzero(filled == around) == 7**3 - 1
    assert np.count_nonzero(filled == 0) == 9**3 - 7**3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_is_filled_in_2d(axis) -> None:
    ring = np.zeros((9, 9), np.uint8)
    ring[2:7, 2:7] = 2
    ring[4, 4] = 0
    mask = np.expand_dims(ring, axis)
    filled = FillHoles().clean(mask, MM, LABELS)
    assert filled.shape == mask.shape
    assert np.count_nonzero(filled) == 25


@pytest.mark.parametrize("step", [KeepLargest(), DropSmall(5.0), FillHoles()])
@pytest.mark.parametrize("shape", [(8, 9, 10), (1, 1, 1), (1, 5, 1)])
def test_an_empty_and_a_full_mask(step, shape) -> None:
    assert not step.clean(empty(*shape), MM, LABELS).any()
    full = np.full(shape, 2, np.uint8)
    expected = full if np.prod(shape) >= 5 or not isinstance(step, DropSmall) else empty(*shape)
    np.testing.assert_array_equal(step.clean(full, MM, LABELS), expected)
