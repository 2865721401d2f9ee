"""The contours of a structure that a mask can be made of, point by point in a few large arrays.

A file may hold a million contours of three points each: what is asked of every contour is asked of all points at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.contour_planes import tolerance_mm
from hnseg.geometry.polygon_fill import without_noise
from hnseg.types import Grid

# no patient is as large: positions beyond are damaged
_FARTHEST_MM = 1e5


@dataclass(frozen=True, eq=False)
class DrawnContours:
    """Contours one after the other.

    Attributes:
        index_zyx: (n, 3) points in voxel indices of a grid.
        lengths: (k,) points of each contour, 0 allowed.
    """

    index_zyx: NDArray[np.float64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    def owners(self) -> NDArray[np.int64]:
        """(n,) the contour that each point belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def any_point(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(k,) contours of which at least one of the (n,) ``chosen`` points is."""
        return np.bincount(self.owners()[chosen], minlength=len(self)) > 0

    def keep(self, contours: NDArray[np.bool_]) -> DrawnContours:
        return DrawnContours(self.index_zyx[contours[self.owners()]], self.lengths[contours])

    def heights(self) -> NDArray[np.float64]:
        """(k,) median slice index of each contour; 0 where it has no point."""
        z = self.index_zyx[:, 0]
        ascending = z[np.lexsort((z, self.owners()))]
        start, filled = np.cumsum(self.lengths) - self.lengths, self.lengths > 0
        heights = np.zeros(len(self))
        heights[filled] = medians(ascending, start[filled], self.lengths[filled])
        return heights

    def with_area(self) -> NDArray[np.bool_]:
        """(k,) contours of at least three different points."""
        owner = self.owners()
        # a point that belongs to nobody, so that a contour of no points has a first one
        points = np.concatenate([self.index_zyx, np.zeros((1, 3))])
        first = np.cumsum(self.lengths) - self.lengths
        unlike_first = np.any(self.index_zyx != points[first[owner]], axis=1)
        with_second, second = np.unique(owner[unlike_first], return_index=True)
        first[with_second] = np.flatnonzero(unlike_first)[second]
        return self.any_point(unlike_first & np.any(self.index_zyx != points[first[owner]], axis=1))

    def polygons_yx(self, contours: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """Corners (m, 2) of some of them."""
        end = np.cumsum(self.lengths)
        return [self.index_zyx[end[i] - self.lengths[i] : end[i], 1:] for i in contours]


def medians(ascending: NDArray[np.float64], start: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k,) medians of runs of an array whose values ascend in each run."""
    middle: NDArray[np.float64] = (ascending[start + (length - 1) // 2] + ascending[start + length // 2]) / 2
    return middle


def drawn_in_slices(contours: Sequence[NDArray[Any]], grid: Grid, notes: list[str]) -> DrawnContours:
    """The contours that are areas in planes parallel to the slices of a grid; of the others a note is added."""
    n = len(contours)
    points_mm = [np.asarray(contour, float).reshape(-1, 3) for contour in contours]
    lengths = np.array([len(points) for points in points_mm], np.int64)
    drawn = DrawnContours(np.concatenate([np.zeros((0, 3)), *points_mm]), lengths)
    damaged = drawn.any_point(~np.all(np.abs(drawn.index_zyx) < _FARTHEST_MM, axis=1))
    drawn = drawn.keep(~damaged)
    drawn = DrawnContours(without_noise(grid.to_index_zyx(drawn.index_zyx)), drawn.lengths)
    with_area = drawn.with_area()
    drawn = drawn.keep(with_area)
    beside = np.abs(drawn.index_zyx[:, 0] - drawn.heights()[drawn.owners()])
    across = drawn.any_point(beside > tolerance_mm(grid.spacing_mm[0]) / grid.spacing_mm[0])
    counts = [
        (damaged.sum(), "have positions that are no numbers, or beyond 100 m:"),
        ((~with_area).sum(), "have fewer than 3 different points: no area,"),
        (across.sum(), "lie in planes that are not parallel to the slices:"),
    ]
    notes += [f"{count} of {n} contours {why} not taken" for count, why in counts if count]
    return drawn.keep(~across)
