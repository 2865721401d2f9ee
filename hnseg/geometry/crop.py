"""Cutting windows out of arrays, padded where they stick out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bounding_slices(mask: NDArray[Any]) -> tuple[slice, ...] | None:
    """The tightest slices that hold every non-zero element, or None where there is none. Any number of axes.

    The first axis is reduced first, because the array is contiguous there, and each further axis only inside
    the slices that are already known.
    """
    occupied = np.asarray(mask)
    if occupied.dtype != np.bool_:
        occupied = occupied != 0
    slices: list[slice] = []
    for axis in range(occupied.ndim):
        others = tuple(a for a in range(occupied.ndim) if a != axis)
        hits = np.flatnonzero(occupied.any(axis=others))
        if hits.size == 0:
            return None
        found = slice(int(hits[0]), int(hits[-1]) + 1)
        slices.append(found)
        occupied = occupied[(slice(None),) * axis + (found,)]
    return tuple(slices)


def crop_or_pad(
    array: NDArray[Any], start_zyx: tuple[int, ...], shape_zyx: tuple[int, ...], fill: float = 0
) -> NDArray[Any]:
    """A copy of ``array[start : start + shape]`` of exactly ``shape``; whatever lies outside the array is ``fill``.

    ``start`` may be negative and the window may miss the array altogether. Fits :meth:`hnseg.types.Grid.crop`.
    """
    assert array.ndim == len(start_zyx) == len(shape_zyx), f"{array.ndim} axes, {start_zyx}, {shape_zyx}"
    window = np.full(shape_zyx, fill, array.dtype)
    source, target = [], []
    for start, size, available in zip(start_zyx, shape_zyx, array.shape, strict=True):
        low, high = max(start, 0), min(start + size, available)
        if low >= high:
            return window
        source.append(slice(low, high))
        target.append(slice(low - start, high - start))
    window[tuple(target)] = array[tuple(source)]
    return window


def tight_crop(mask: NDArray[Any], margin: int = 0) -> tuple[NDArray[Any], tuple[int, ...]]:
    """The part of ``mask`` around its non-zero elements, and the index where it starts.

    Args:
        mask: any number of axes.
        margin: elements kept on each side, as far as the array reaches.

    Returns:
        A view, and its start along every axis. An empty mask gives a view without elements that starts at 0.
    """
    slices = bounding_slices(mask)
    if slices is None:
        return mask[(slice(0, 0),) * mask.ndim], (0,) * mask.ndim
    starts = tuple(max(s.start - margin, 0) for s in slices)
    window = tuple(slice(low, s.stop + margin) for low, s in zip(starts, slices, strict=True))
    return mask[window], starts
