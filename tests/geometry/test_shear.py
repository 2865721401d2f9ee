import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnseg.geometry.shear import take_out_shear, unsheared_shape


def slowly(array, shift_px, fill):
    """The same, pixel by pixel."""
    shape = unsheared_shape(array.shape, shift_px)
    result = np.full(shape, fill, float)
    for i, y, x in np.ndindex(shape):
        at = np.array([y, x]) - shift_px[i]
        if (at < -0.5).any() or (at > np.array(array.shape[1:]) - 0.5).any():
            continue
        at = at.clip(0, np.array(array.shape[1:]) - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, np.array(array.shape[1:]) - 1)
        (b, a), image = at - low, array[i]
        upper = image[low[0], low[1]] * (1 - a) + image[low[0], high[1]] * a
        lower = image[high[0], low[1]] * (1 - a) + image[high[0], high[1]] * a
        result[i, y, x] = upper * (1 - b) + lower * b
    return result


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_a_pixel_by_pixel_version(seed):
    rng = np.random.default_rng(seed)
    array = rng.integers(-1000, 1000, (3, 4, 5))
    shift_px = rng.uniform(0, 3, (3, 2))
    np.testing.assert_allclose(take_out_shear(array, shift_px, -1024), slowly(array, shift_px, -1024), atol=1e-3)


def test_whole_pixels_are_moved_unchanged():
    array = np.arange(12, dtype=np.int16).reshape(2, 2, 3)
    moved = take_out_shear(array, np.array([[0.0, 0.0], [1.0, 2.0]]), -1.0)
    assert moved.shape == (2, 3, 5)
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved[0, :2, :3], array[0])
    np.testing.assert_array_equal(moved[1, 1:, 2:], array[1])
    assert (moved == -1).sum() == moved.size - array.size


def test_a_ramp_keeps_its_place():
    """Values that rise by 10 a row: moved by 0.25 rows, each row shows a value 2.5 less."""
    ramp = np.broadcast_to(10.0 * np.arange(6)[None, :, None], (1, 6, 2))
    moved = take_out_shear(ramp, np.array([[0.25, 0.0]]), -99.0)
    np.testing.assert_allclose(moved[0, 1:6, 0], 10.0 * np.arange(1, 6) - 2.5)


def test_nothing_moves_without_a_shift():
    array = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(take_out_shear(array, np.zeros((3, 2)), 0.0), array)


def test_rounding_does_not_add_a_row():
    assert unsheared_shape((2, 4, 5), np.array([[0.0, 0.0], [3.0 + 1e-9, 1e-12]])) == (2, 7, 5)


def test_a_shift_below_zero_is_our_mistake():
    with pytest.raises(AssertionError):
        take_out_shear(np.zeros((1, 2, 2)), np.array([[-1.0, 0.0]]), 0.0)
