"""What several closed contours of one plane enclose together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.polygon_fill import box_of, fill_box, fill_polygon, fill_polygons, without_noise
from hnseg.geometry.work import FINEST, MOST_SAMPLES, SAMPLES_A_CROSSING, Work, row_crossings

# samples along each axis of a contour's bounding box, at which it is compared with another contour
_SAMPLES = 64
# of the smaller contour's samples that must lie in the larger one: a hole that touches the rim is still a hole where
# its points were rounded when they were written
_WITHIN = 0.99
_MAX_PAIRS = 5_000
# of one pair at least, in crossings
_PAIR_WORK = 2_500
# times that the contours of a plane may be filled on average, because several contours that overlap lie around them
_MAX_REFILLS = 4


@dataclass(frozen=True, eq=False)
class Window:
    """Samples ``index = start + i / factor`` of a plane, with i = 0 .. shape - 1."""

    start_yx: tuple[int, int]
    shape_yx: tuple[int, int]
    factor: int = 1

    def samples(self, points_yx: NDArray[Any]) -> NDArray[np.float64]:
        """Voxel indices as indices of samples."""
        taken: NDArray[np.float64] = (points_yx - np.asarray(self.start_yx, float)) * self.factor
        return taken


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
        if not self.compared:
            lengths = np.array([len(polygon) for polygon in self.polygons_yx])
            return fill_polygons(window.samples(np.concatenate(self.polygons_yx)), lengths, window.shape_yx)
        polygons = [window.samples(polygon) for polygon in self.polygons_yx]
        mask, area = np.zeros((2, *window.shape_yx), np.bool_)
        for outer in np.flatnonzero(self.depth == 0):
            inner = np.flatnonzero(self.within[:, outer])
            family = [outer, *inner[np.argsort(self.depth[inner], kind="stable")]]
            around = box_of(without_noise(np.concatenate([polygons[i] for i in family])), window.shape_yx)
            area[around] = False
            for i in family:
                box, inside = fill_box(polygons[i], np.array([len(polygons[i])]), window.shape_yx)
                part = area[box]
                if self.depth[i] % 2 == 0:
                    part |= inside
                else:
                    part &= ~inside
            mask[around] |= area[around]
        return mask


def contour_shape(
    polygons_yx: Sequence[NDArray[np.float64]], tolerance_yx: NDArray[np.float64], work: Work | None = None
) -> ContourShape:
    """Find out which contours lie in which.

    Args:
        polygons_yx: (n, 2) corners each, in voxel indices.
        tolerance_yx: (2,) voxels by which the bounding boxes of a contour and its double may differ.
        work: what comparing may cost and is taken from; None: as much as it needs.
    """
    boxes = _boxes(polygons_yx)
    if len(boxes) ** 2 > _MAX_PAIRS * 100 or len(pairs := _box_pairs(boxes)) > _MAX_PAIRS:
        return _uncompared(polygons_yx)
    filling = _filling_work(polygons_yx, boxes) if len(pairs) else np.zeros(len(boxes))
    # without comparing, all are filled in the time of the largest
    more = _comparing_work(polygons_yx, boxes, pairs) + float(filling.sum() - filling.max()) if len(pairs) else 0.0
    if work and not work.take(more):
        return _uncompared(polygons_yx)
    own = {i: _sampled(polygons_yx[i], boxes[i]) for i in np.unique(pairs).tolist()}
    areas = _areas(own, boxes)
    order = np.argsort(-areas, kind="stable")
    rank = np.argsort(order)
    within = np.zeros((len(order), len(order)), np.bool_)
    doubled = np.zeros(len(order), np.bool_)
    overlaps = 0
    for large, small in sorted(tuple(sorted(pair)) for pair in rank[pairs].tolist()):
        if doubled[large] or doubled[small] or not areas[order[small]]:
            continue
        share, same = _compare(own[order[small]], polygons_yx[order[large]], boxes[order[small]])
        alike = np.all(np.abs(boxes[order[small]] - boxes[order[large]]) <= tolerance_yx)
        doubled[small] = bool(alike and same >= _WITHIN)
        within[small, large] = share >= _WITHIN
        overlaps += 1 - _WITHIN < share < _WITHIN
    kept = np.flatnonzero(~doubled)
    within = within[np.ix_(kept, kept)]
    depth, filling = _depths(within), filling[order[kept]]
    if filling @ within[:, depth == 0].sum(axis=1) > _MAX_REFILLS * filling.sum():
        return _uncompared(polygons_yx)
    polygons = tuple(polygons_yx[order[i]] for i in kept)
    return ContourShape(polygons, within, depth, int(doubled.sum()), overlaps)


def _uncompared(polygons_yx: Sequence[NDArray[np.float64]]) -> ContourShape:
    k = len(polygons_yx)
    return ContourShape(tuple(polygons_yx), np.zeros((k, 0), np.bool_), np.ones(k, np.int64), compared=False)


def _boxes(polygons: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(k, 2, 2) lowest and highest corner of each."""
    points = np.concatenate(polygons)
    start = np.cumsum([0, *map(len, polygons[:-1])])
    return np.stack([np.minimum.reduceat(points, start), np.maximum.reduceat(points, start)], axis=1)


def _filling_work(polygons: Sequence[NDArray[np.float64]], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) crossings that each costs on the finest samples of an outline."""
    samples = np.minimum(np.prod(boxes[:, 1] - boxes[:, 0], axis=-1) * FINEST**2, MOST_SAMPLES)
    lengths = np.array([len(polygon) for polygon in polygons])
    crossings = row_crossings(np.concatenate(polygons), lengths, FINEST)
    work: NDArray[np.float64] = crossings + samples / SAMPLES_A_CROSSING
    return work


def _comparing_work(
    polygons: Sequence[NDArray[np.float64]], boxes: NDArray[np.float64], pairs: NDArray[np.int64]
) -> float:
    """At most so many crossings when all pairs are compared, each on the samples of either one's box."""
    points = np.array([len(polygon) for polygon in polygons])
    travel = row_crossings(np.concatenate(polygons), points) - points
    height = np.maximum(boxes[:, 1, 0] - boxes[:, 0, 0], 1e-6)
    work = _PAIR_WORK * len(pairs)
    for this, other in (pairs.T, pairs.T[::-1]):
        work += (points[this] * np.minimum(_SAMPLES, 1 + _SAMPLES * travel[this] / points[this] / height[other])).sum()
    return float(work)


def _box_pairs(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """(p, 2) pairs of contours whose bounding boxes meet."""
    meet = np.all((boxes[:, None, 0] <= boxes[None, :, 1]) & (boxes[None, :, 0] <= boxes[:, None, 1]), axis=-1)
    return np.argwhere(np.triu(meet, 1))


def _areas(own: Mapping[int, NDArray[np.bool_]], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k,) areas of the contours that meet others; by samples, because a contour may cross itself."""
    areas = np.zeros(len(boxes))
    for i, inside in own.items():
        areas[i] = np.count_nonzero(inside) * np.prod(boxes[i, 1] - boxes[i, 0])
    return areas


def _compare(inner: NDArray[np.bool_], large: NDArray[np.float64], box: NDArray[np.float64]) -> tuple[float, float]:
    """Share of a small contour that lies in a large one; and of the small one's box that both see alike.

    Args:
        inner: samples of the small one's box that lie inside it.
        large: corners of the large one.
        box: of the small one.
    """
    outer = _sampled(large, box)
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
