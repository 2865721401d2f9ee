"""What filling contours costs, counted in crossings of an edge and a row of samples: 20 to 50 ns each on one core.

Files may ask for hours of it. Counting, not a clock, says where that ends, so that the same file gives the same mask on
every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.polygon_fill import next_corners

FINEST = 5
"""Samples of an outline along a voxel's side, at most."""

MOST_SAMPLES = 2_400_000
"""Of one plane, where outlines are found on samples finer than voxels."""

SAMPLES_A_CROSSING = 6.0
"""Samples that are filled in the time of one crossing."""


class Work:
    """What is left of a budget.

    Args:
        crossings: what may be spent.
    """

    def __init__(self, crossings: float) -> None:
        self.left = crossings

    def take(self, crossings: float) -> bool:
        """Spend so much, unless there is less."""
        if crossings > self.left:
            return False
        self.left -= crossings
        return True


def row_crossings(points_yx: NDArray[Any], lengths: NDArray[np.integer[Any]], factor: int = 1) -> NDArray[np.float64]:
    """How many rows of samples the edges of polygons cross, and a crossing for each edge.

    Args:
        points_yx: (n, 2) corners of one polygon after the other.
        lengths: (k,) corners of each polygon, at least 1.
        factor: rows in 1 of their units.
    """
    y = points_yx[:, 0]
    rows = np.abs(y - y[next_corners(lengths)]) * factor + 1
    crossings: NDArray[np.float64] = np.add.reduceat(rows, np.cumsum(lengths) - lengths)
    return crossings
