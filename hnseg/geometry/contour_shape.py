"""What several closed contours of one plane enclose together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.polygon_fill import fill_polygon

# samples along each axis of a contour's bounding box, at which it is compared with another contour
_SAMPLES = 64
# of the smaller contour's samples that must lie in the larger one: a hole that touches the rim is still a hole where
# its points were rounded when they were written
_WITHIN = 0.99
_MAX_PAIRS = 5_000


@dataclass(frozen=True, eq=False)
class Window:
    """Samples ``index = start + i / factor`` of a plane, with i = 0 .. shape - 1."""

    start_yx: tuple[int, int]
    shape_yx: tuple[int, int]
    factor: int = 1

    def fill(self, polygon_yx: NDArray[Any]) -> NDArray[np.bool_]:
        return fill_polygon((polygon_yx - np.asarray(self.start_yx, float)) * self.factor, self.shape_yx)


@dataclass(frozen=True, eq=False)
class ContourShape:
    """The area of a plane's contours: a contour inside another is a hole, one inside a hole an island, and so on.

    Attributes:
        polygons_yx: (n, 2) corners each, in voxel indices; larger ones first, doubles left out.
        within: (k, k) bool, whether polygon i lies within polygon j.
        depth: (k,) how many contours lie around each.
        doubles: contours that are there twice.
        overlaps: pairs that overlap in part; they are united.
        compared: False where there are so many contours that only the even-odd rule was applied to all of them.
    """

    polygons_yx: tuple[NDArray[np.float64], ...]
    within: NDArray[np.bool_]
    depth: NDArray[np.int64]
    doubles: int = 0
    overlaps: int = 0
    compared: bool = True

    def fill(self, window: Window) -> NDArray[np.bool_]:
        """Samples of the window inside the shape: bool, ``window.shape_yx``."""
        mask = np.zeros(window.shape_yx, np.bool_)
        for outer in np.flatnonzero(self.depth == 0):
            area = window.fill(self.polygons_yx[outer])
            inner = np.flatnonzero(self.within[:, outer])
            for i in inner[np.argsort(self.depth[inner], kind="stable")]:
                area = np.where(window.fill(self.polygons_yx[i]), self.depth[i] % 2 == 0, area)
            mask |= area
        return mask if self.compared else self._fill_by_parity(window)

    def _fill_by_parity(self, window: Window) -> NDArray[np.bool_]:
        mask = np.zeros(window.shape_yx, np.bool_)
        for polygon in self.polygons_yx:
            mask ^= window.fill(polygon)
        return mask


def contour_shape(polygons_yx: Sequence[NDArray[np.float64]], tolerance_yx: NDArray[np.float64]) -> ContourShape:
    """Find out which contours lie in which.

    Args:
        polygons_yx: (n, 2) corners each, in voxel indices.
        tolerance_yx: (2,) voxels by which the bounding boxes of a contour and its double may differ.
    """
    boxes = np.array([[p.min(axis=0), p.max(axis=0)] for p in polygons_yx]).reshape(-1, 2, 2)
    if len(boxes) ** 2 > _MAX_PAIRS * 100 or len(pairs := _box_pairs(boxes)) > _MAX_PAIRS:
        k = len(polygons_yx)
        return ContourShape(tuple(polygons_yx), np.zeros((k, 0), np.bool_), np.ones(k, np.int64), compared=False)
    areas = _areas(polygons_yx, boxes, pairs)
    order = np.argsort(-areas, kind="stable")
    rank = np.argsort(order)
    within = np.zeros((len(order), len(order)), np.bool_)
    doubled = np.zeros(len(order), np.bool_)
    overlaps = 0
    for large, small in sorted(tuple(sorted(pair)) for pair in rank[pairs].tolist()):
        if doubled[large] or doubled[small] or not areas[order[small]]:
            continue
        share, same = _compare(polygons_yx[order[small]], polygons_yx[order[large]], boxes[order[small]])
        alike = np.all(np.abs(boxes[order[small]] - boxes[order[large]]) <= tolerance_yx)
        doubled[small] = bool(alike and same >= _WITHIN)
        within[small, large] = share >= _WITHIN
        overlaps += 1 - _WITHIN < share < _WITHIN
    kept = np.flatnonzero(~doubled)
    within = within[np.ix_(kept, kept)]
    polygons = tuple(polygons_yx[order[i]] for i in kept)
    return ContourShape(polygons, within, _depths(within), int(doubled.sum()), overlaps)


def _box_pairs(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """(p, 2) pairs of contours whose bounding boxes meet."""
    meet = np.all((boxes[:, None, 0] <= boxes[None, :, 1]) & (boxes[None, :, 0] <= boxes[:, None, 1]), axis=-1)
    return np.argwhere(np.triu(meet, 1))


def _areas(
    polygons: Sequence[NDArray[np.float64]], boxes: NDArray[np.float64], pairs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(k,) areas of the contours that meet others; by samples, because a contour may cross itself."""
    areas = np.zeros(len(polygons))
    for i in np.unique(pairs):
        areas[i] = np.count_nonzero(_sampled(polygons[i], boxes[i])) * np.prod(boxes[i, 1] - boxes[i, 0])
    return areas


def _compare(small: NDArray[np.float64], large: NDArray[np.float64], box: NDArray[np.float64]) -> tuple[float, float]:
    """Share of the small contour that lies in the large one; and of the small one's box that both see alike."""
    inner, outer = _sampled(small, box), _sampled(large, box)
    return float(np.mean(outer[inner])), float(np.mean(inner == outer))


def _sampled(polygon: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    size = np.maximum(box[1] - box[0], 1e-6)
    return fill_polygon((polygon - box[0]) / size * _SAMPLES - 0.5, (_SAMPLES, _SAMPLES))


def _depths(within: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Length of the longest chain of contours around each: two that overlap around a third count once."""
    depth = np.zeros(len(within), np.int64)
    for i in range(len(within)):  # larger ones come first, so what lies around i is known by now
        depth[i] = 1 + depth[within[i]].max() if within[i].any() else 0
    return depth
