"""Masks to closed planar contours that give exactly the same masks back.

A contour runs halfway between the centres of neighbouring voxels in and out of the mask (marching squares at 0.5), so
that exactly the voxels of the mask have their centre inside. Voxels that touch at a corner are one piece, which keeps
thin oblique structures whole; background that touches at a corner only is then cut in two. No two contours meet.

A hole is joined to the contour round it by a channel of no width (a "keyhole"), because some readers fill a second
contour within the first instead of leaving it out (PS3.3 C.8.8.6.3 has keyholes for CLOSED_PLANAR). The channel leaves
the highest row of a hole along the line halfway between two rows of voxels: there no centre lies on it, where rounding
would decide, and it meets no other contour before the one it ends at.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from hnseg.geometry.simplify import simplify_closed
from hnseg.types import Grid

SAFE_SHARE = 0.75
"""Share of the way to the next voxel centre that simplification may use. The rest is for rounded coordinates and for
readers that compute in single precision."""


def outlines(mask: NDArray[np.bool_], grid: Grid, tolerance_mm: float) -> tuple[tuple[int, NDArray[np.float64]], ...]:
    """The outlines of a mask, slice by slice along array axis 0.

    Points are left out within ``tolerance_mm``, but never so far that a voxel changes sides: the tolerance is at most
    `SAFE_SHARE` of :func:`lossless_tolerance_mm`. So filling the contours gives the mask back at any tolerance, and no
    structure is too small to survive.

    Args:
        mask: (Z, Y, X), True inside; it may touch the border, and contours then reach half a voxel beyond it.
        grid: of the mask.
        tolerance_mm: how far from its first course an outline may lie; 0 leaves no point out.

    Returns:
        (slice index, (n, 3) LPS mm) of each contour, closed without repeating the first point, n at least 3; slices in
        order, pieces of a slice in scan order.
    """
    assert mask.shape == grid.shape_zyx, f"mask {mask.shape} on a grid {grid.shape_zyx}"
    in_plane_mm = np.asarray(grid.spacing_mm[1:])
    tolerance_mm = min(tolerance_mm, SAFE_SHARE * lossless_tolerance_mm(grid))
    found = []
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        for ring_yx, fixed in _rings(mask[index]):
            kept_yx = simplify_closed(ring_yx * in_plane_mm, fixed, tolerance_mm) / in_plane_mm
            index_zyx = np.column_stack([np.full(len(kept_yx), float(index)), kept_yx])
            found.append((int(index), grid.to_lps_mm(index_zyx)))
    return tuple(found)


def lossless_tolerance_mm(grid: Grid) -> float:
    """How close a contour comes to a voxel centre: where it cuts off a corner, from the middle of one side to another.

    An outline that stays closer than that to its first course passes over no voxel centre on the way, and its winding
    number round each of them is what it was.
    """
    y_mm, x_mm = grid.spacing_mm[1:]
    return y_mm * x_mm / (2 * math.hypot(y_mm, x_mm))


def _rings(slice_yx: NDArray[np.bool_]) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each piece of a slice its ring (n, 2) in (y, x) indices and (n,) which of its points are ends of channels."""
    labels, _ = ndimage.label(slice_yx, structure=np.ones((3, 3)))
    rings = []
    for value, window in enumerate(ndimage.find_objects(labels), start=1):
        padded = np.pad(labels[window] == value, 1).astype(np.float64)
        curves = [curve[:-1] for curve in find_contours(padded, 0.5, fully_connected="high")]
        outer, *holes = sorted(curves, key=lambda curve: float(curve[:, 0].min()))
        ring = _keyhole(outer, holes) if holes else np.column_stack([outer, np.zeros(len(outer))])
        rings.append((ring[:, :2] + [window[0].start - 1, window[1].start - 1], ring[:, 2] > 0))
    return rings


def _keyhole(outer: NDArray[np.float64], holes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The outer curve of a piece and those of its holes as one ring (n, 3): y, x, and 1 at the ends of channels.

    From the rightmost point of a hole's highest row a channel goes right, to what it meets first: the outer curve, or
    a hole that reaches higher, or as high and further right. Taken in that order, it is always in the ring already.
    """
    ring = _with_midpoints(outer)
    for hole in sorted(map(_from_tip, holes), key=lambda hole: (hole[0, 0], -hole[0, 1])):
        ahead = np.flatnonzero((ring[:, 0] == hole[0, 0]) & (ring[:, 1] > hole[0, 1]))
        at = ahead[np.argmin(ring[ahead, 1])]
        hole[0, 2] = ring[at, 2] = 1
        ring = np.concatenate([ring[: at + 1], hole, hole[:1], ring[at:]])
    return ring


def _from_tip(hole: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 n, 3): a hole's curve from the rightmost point of its highest row on."""
    return _with_midpoints(np.roll(hole, -int(np.lexsort((-hole[:, 1], hole[:, 0]))[0]), axis=0))


def _with_midpoints(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 n, 3): a closed curve and the middle of each step, where lines halfway between rows cross it; and zeros."""
    middles = (curve + np.roll(curve, -1, axis=0)) / 2
    points = np.stack([curve, middles], axis=1).reshape(-1, 2)
    return np.column_stack([points, np.zeros(len(points))])
