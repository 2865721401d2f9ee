import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.geometry import bounding_slices, crop_or_pad, tight_crop
from hnseg.types import Grid


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.002, 0.02, 0.5]), axes=st.integers(1, 4))
def test_bounding_slices_equal_the_naive_search(seed, share, axes):
    rng = np.random.default_rng(seed)
    mask = rng.random(tuple(rng.integers(1, 8, axes))) < share
    found = np.nonzero(mask)
    if found[0].size == 0:
        assert bounding_slices(mask) is None
    else:
        expected = tuple(slice(int(i.min()), int(i.max()) + 1) for i in found)
        assert bounding_slices(mask) == expected


def test_bounding_slices_take_any_non_zero_number():
    image = np.zeros((5, 5, 5), np.float32)
    image[2, 3, 4] = -0.25
    assert bounding_slices(image) == (slice(2, 3), slice(3, 4), slice(4, 5))


@given(start=st.tuples(*[st.integers(-7, 7)] * 3), shape=st.tuples(*[st.integers(1, 8)] * 3))
def test_crop_or_pad_equals_cutting_from_a_wide_frame(start, shape):
    array = np.random.default_rng(1).integers(1, 99, (4, 5, 6)).astype(np.int16)
    frame = np.pad(array, 20, constant_values=-3)
    window = tuple(slice(20 + s, 20 + s + n) for s, n in zip(start, shape, strict=True))
    out = crop_or_pad(array, start, shape, -3)
    np.testing.assert_array_equal(out, frame[window])
    assert out.dtype == array.dtype


def test_crop_or_pad_returns_a_copy_that_fits_grid_crop():
    array = np.arange(60).reshape(3, 4, 5)
    grid = Grid((3, 4, 5), (3.0, 1.0, 1.0))
    out = crop_or_pad(array, (1, 1, 1), (2, 2, 2), 0)
    there = grid.crop((1, 1, 1), (2, 2, 2)).to_lps_mm(np.array([0, 1, 1]))
    index = tuple(np.rint(grid.to_index_zyx(there)).astype(int))
    assert out[0, 1, 1] == array[index]
    out[:] = -1
    assert array.min() == 0


@pytest.mark.parametrize("margin", [0, 1, 50])
def test_tight_crop_starts_where_it_says(margin):
    mask = np.zeros((10, 11, 12), np.uint8)
    mask[3:5, 0:2, 9:12] = 1
    cut, start = tight_crop(mask, margin)
    assert cut.sum() == mask.sum()
    np.testing.assert_array_equal(cut, mask[tuple(slice(s, s + n) for s, n in zip(start, cut.shape, strict=True))])
    assert start == (max(3 - margin, 0), 0, max(9 - margin, 0))


def test_tight_crop_of_an_empty_mask_has_no_elements():
    cut, start = tight_crop(np.zeros((4, 5, 6), bool), 2)
    assert cut.size == 0
    assert start == (0, 0, 0)
