"""Which sample points lie inside a closed polygon."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# powers of two, so that multiples are exact. Corners to a billionth of a voxel, which is more than arithmetic leaves
# and less than files resolve; crossings coarser, so that a point more on a common edge does not move them
_CORNER_GRAIN = 2.0**-30
_CROSSING_GRAIN = 2.0**-20
_CROSSINGS_AT_ONCE = 4_000_000


def without_noise(index: NDArray[Any]) -> NDArray[np.float64]:
    """Indices without the last digits that arithmetic left in them, so that a tie is a tie on every machine."""
    return _rounded(np.asarray(index, float), _CORNER_GRAIN)


def fill_polygon(points_yx: NDArray[Any], shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """Sample points (y, x) = (row, column) that lie inside, by the even-odd rule.

    A sample point exactly on an edge belongs to the side towards larger indices. So polygons with a common edge share
    no sample and leave none out, whichever way round each of them runs, and an edge that is run forth and back (the
    channel of a keyhole contour) changes nothing.

    Args:
        points_yx: (n, 2) corners in units of samples; the last is joined to the first. Any n, any order.
        shape_yx: rows and columns of the samples.

    Returns:
        bool, of that shape.
    """
    mask = np.zeros(shape_yx, np.bool_)
    if len(points_yx) < 3:
        return mask
    points = without_noise(points_yx)
    first = np.clip(np.ceil(points.min(axis=0)), 0, shape_yx).astype(np.int64)
    last = np.clip(np.ceil(points.max(axis=0)), 0, shape_yx).astype(np.int64)
    if np.all(last > first):
        points = points - first
        rows, columns = (last - first).tolist()
        inside = _parity(*_upwards(points), (rows, columns))
        mask[first[0] : last[0], first[1] : last[1]] = inside
    return mask


def _rounded(values: NDArray[np.float64], grain: float) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.rint(values / grain) * grain
    return rounded


def _upwards(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of all edges, that of lower y first: an edge then crosses a row at the same x whichever way it is run."""
    ends = np.roll(points, -1, axis=0)
    down = (points[:, 0] > ends[:, 0])[:, None]
    return np.where(down, ends, points), np.where(down, points, ends)


def _parity(low: NDArray[np.float64], high: NDArray[np.float64], shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = shape_yx
    first = np.clip(np.ceil(low[:, 0]), 0, rows).astype(np.int64)
    count = np.clip(np.ceil(high[:, 0]), 0, rows).astype(np.int64) - first
    if count.sum() > _CROSSINGS_AT_ONCE and len(low) > 1:
        half = len(low) // 2
        return _parity(low[:half], high[:half], shape_yx) ^ _parity(low[half:], high[half:], shape_yx)
    edge = np.repeat(np.arange(len(low)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    from_low = (row - low[edge, 0]) / (high[edge, 0] - low[edge, 0])
    x = _rounded(low[edge, 1] + from_low * (high[edge, 1] - low[edge, 1]), _CROSSING_GRAIN)
    column = np.clip(np.ceil(x), 0, columns).astype(np.int64)
    crossings = np.bincount(row * (columns + 1) + column, minlength=rows * (columns + 1))
    odd = np.cumsum(crossings.reshape(rows, columns + 1)[:, :columns], axis=1) & 1
    return odd.astype(np.bool_)
