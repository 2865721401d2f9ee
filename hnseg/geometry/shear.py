"""Images of a tilted gantry, moved in their planes so that they stand straight above each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def unsheared_shape(shape_zyx: tuple[int, int, int], shift_px: NDArray[Any]) -> tuple[int, int, int]:
    """Shape of the array that holds every image after its shift; ``shape_zyx`` itself where nothing is shifted.

    Args:
        shape_zyx: (N, Y, X) of the images as they are.
        shift_px: (N, 2) see :func:`take_out_shear`.
    """
    # Rounding in a position must not cost a row, so shifts are cut to a thousandth of a pixel first.
    down, along = (math.ceil(round(float(v), 3)) for v in shift_px.max(axis=0))
    return shape_zyx[0], shape_zyx[1] + down, shape_zyx[2] + along


def take_out_shear(array: NDArray[Any], shift_px: NDArray[Any], fill: float) -> NDArray[np.float32]:
    """Move each image in its plane by linear interpolation; nothing is cut off, the array grows instead.

    As in :func:`hnseg.geometry.resample`, an image reaches to the edges of its outermost pixels, and takes their value
    there.

    Args:
        array: (N, Y, X), any numeric dtype.
        shift_px: (N, 2) at least 0: pixel (y, x) of image ``i`` lies at index (y, x) + ``shift_px[i]`` of the result.
        fill: value where no image is.

    Returns:
        float32 of :func:`unsheared_shape`.
    """
    assert shift_px.shape == (len(array), 2), f"{shift_px.shape} for {array.shape}"
    assert (shift_px >= 0).all(), "an image would lie outside its array"
    shape = unsheared_shape(array.shape, shift_px)  # type: ignore[arg-type]
    straight = np.empty(shape, np.float32)
    for image, result, shift in zip(array, straight, shift_px, strict=True):
        moved = _moved(np.asarray(image, np.float32), float(shift[0]), shape[1], fill)
        result[...] = _moved(moved.T, float(shift[1]), shape[2], fill).T
    return straight


def _moved(image: NDArray[np.float32], shift_px: float, size: int, fill: float) -> NDArray[np.float32]:
    """``image`` moved along its first axis, which gets ``size`` elements."""
    source = np.arange(size) - shift_px
    inside = (source >= -0.5) & (source <= len(image) - 0.5)
    source = source.clip(0, len(image) - 1)
    low = np.floor(source).astype(int)
    high = np.minimum(low + 1, len(image) - 1)
    weight = (source - low).astype(np.float32)[:, None]
    moved: NDArray[np.float32] = image[low] + weight * (image[high] - image[low])
    moved[~inside] = fill
    return moved
