"""Which sample points lie inside a closed polygon."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# powers of two, so that multiples are exact. Corners to a billionth of a voxel, which is more than arithmetic leaves
# and less than files resolve; crossings coarser, so that a point more on a common edge does not move them
_CORNER_GRAIN = 2.0**-30
_CROSSING_GRAIN = 2.0**-20
# as many as stay in a processor's cache
_CROSSINGS_AT_ONCE = 250_000


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
    return fill_polygons(points_yx, np.array([len(points_yx)]), shape_yx)


def fill_polygons(
    points_yx: NDArray[Any], lengths: NDArray[np.integer[Any]], shape_yx: tuple[int, int]
) -> NDArray[np.bool_]:
    """Sample points inside an odd number of polygons: :func:`fill_polygon` of each, all at once.

    Args:
        points_yx: (n, 2) corners of one polygon after the other, in units of samples.
        lengths: corners of each polygon.
        shape_yx: rows and columns of the samples.

    Returns:
        bool, of that shape.
    """
    mask = np.zeros(shape_yx, np.bool_)
    if len(points_yx) >= 3:
        box, inside = fill_box(points_yx, lengths, shape_yx)
        mask[box] = inside
    return mask


def fill_box(
    points_yx: NDArray[Any], lengths: NDArray[np.integer[Any]], shape_yx: tuple[int, int]
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """As :func:`fill_polygons`, but only the rows and columns that the corners, at least one, reach; and which."""
    points = without_noise(points_yx)
    box = box_of(points, shape_yx)
    first = np.array([side.start for side in box])
    rows, columns = (side.stop - side.start for side in box)
    return box, _parity(*_upwards(points - first, lengths), (rows, columns))


def box_of(points_yx: NDArray[Any], shape_yx: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the samples that can lie inside a polygon with these corners."""
    first = np.clip(np.ceil(points_yx.min(axis=0)), 0, shape_yx).astype(np.int64).tolist()
    last = np.clip(np.ceil(points_yx.max(axis=0)), 0, shape_yx).astype(np.int64).tolist()
    return slice(first[0], last[0]), slice(first[1], last[1])


def next_corners(lengths: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Of each corner, of polygons one after the other, the one that it is joined to."""
    following = np.arange(1, lengths.sum() + 1)
    end = np.cumsum(lengths)[lengths > 0]
    following[end - 1] = end - lengths[lengths > 0]
    return following


def _rounded(values: NDArray[np.float64], grain: float) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.rint(values / grain) * grain
    return rounded


def _upwards(
    points: NDArray[np.float64], lengths: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of all edges, that of lower y first: an edge then crosses a row at the same x whichever way it is run."""
    ends = points[next_corners(lengths)]
    down = (points[:, 0] > ends[:, 0])[:, None]
    return np.where(down, ends, points), np.where(down, points, ends)


def _parity(low: NDArray[np.float64], high: NDArray[np.float64], shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = shape_yx
    if not rows or not columns:
        return np.zeros(shape_yx, np.bool_)
    first = np.ceil(low[:, 0]).clip(0, rows).astype(np.int64)
    count = np.ceil(high[:, 0]).clip(0, rows).astype(np.int64) - first
    crossing = np.flatnonzero(count)
    low, high, first, count = low[crossing], high[crossing], first[crossing], count[crossing]
    # overflow leaves odd numbers odd
    crossings = np.zeros(rows * (columns + 1), np.uint8)
    part = np.cumsum(count) // _CROSSINGS_AT_ONCE
    for edges in np.split(np.arange(len(low)), np.flatnonzero(np.diff(part)) + 1):
        np.add.at(crossings, _crossed(low[edges], high[edges], first[edges], count[edges], columns), np.uint8(1))
    odd = (crossings & 1).reshape(rows, columns + 1)[:, :columns]
    return np.bitwise_xor.accumulate(odd, axis=1).view(np.bool_)


def _crossed(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    columns: int,
) -> NDArray[np.int64]:
    """The sample behind each crossing of an edge and a row, in rows of ``columns`` + 1 samples."""
    edge = np.repeat(np.arange(len(low)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    from_low = (row - low[edge, 0]) / (high[edge, 0] - low[edge, 0])
    x = _rounded(low[edge, 1] + from_low * (high[edge, 1] - low[edge, 1]), _CROSSING_GRAIN)
    column = np.ceil(x).clip(0, columns).astype(np.int64)
    sample: NDArray[np.int64] = row * (columns + 1) + column
    return sample
