"""Closed outlines with fewer points."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from skimage.measure import approximate_polygon


def simplify_closed(ring: NDArray[np.float64], fixed: NDArray[np.bool_], tolerance: float) -> NDArray[np.float64]:
    """Leave out points of a closed outline that lie within a distance of what is left (Douglas and Peucker 1973).

    Each stretch between two fixed points is simplified for itself, by distances to segments, not to lines. So every
    point of the outline, those between its corners included, lies within ``tolerance`` of the piece that replaces it.

    Args:
        ring: (n, 2) points, the first not repeated at the end.
        fixed: (n,) points that stay; where there is none, the first stays.
        tolerance: in the unit of the points; 0 keeps all.

    Returns:
        (m, 2) points of ``ring`` in its order, beginning with a fixed one.
    """
    start = int(np.argmax(fixed))
    ring, fixed = np.roll(ring, -start, axis=0), np.roll(fixed, -start)
    closed = np.concatenate([ring, ring[:1]])
    ends = [0, *(np.flatnonzero(fixed[1:]) + 1), len(ring)]
    # a channel, two fixed points in a row, has nothing to leave out
    stretches = [closed[a:b] if b == a + 1 else _simplify(closed[a : b + 1], tolerance) for a, b in pairwise(ends)]
    return np.concatenate(stretches)


def _simplify(stretch: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """What stays of an open stretch, without its last point."""
    kept: NDArray[np.float64] = approximate_polygon(stretch, tolerance)[:-1]
    return kept
