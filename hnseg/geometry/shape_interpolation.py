"""Masks between two planes that a structure was drawn in.

Raya & Udupa, Shape-based interpolation of multidimensional objects, IEEE Trans. Med. Imaging 9(1), 1990,
doi:10.1109/42.52980: signed distances to the outlines of both planes, interpolated linearly; inside is where the result
is not negative. Departures: distances are Euclidean, in mm and to outlines sampled finer than voxels, where the paper
has chamfer distances of voxels; and they are computed only where the planes differ, elsewhere their sign is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from hnseg.geometry.contour_shape import ContourShape, Window
from hnseg.geometry.work import FINEST, MOST_SAMPLES, SAMPLES_A_CROSSING, row_crossings

# samples a voxel's side, odd, so that its centre is one
_FINENESS = (FINEST, 3, 1)
# to the outline of a shape that covers the slice and more, or of none: finite, so that two of them can be added
_FAR_MM = 1e6
# crossings (see hnseg.geometry.work) in the time of finding the point of an outline nearest to a voxel, which takes ten
# times as long where many are nearly as near, and of making one ready for that
_NEAREST_WORK = 200
_EDGE_WORK = 12


@dataclass(frozen=True, eq=False)
class Outline:
    """A shape on the voxels of a slice.

    Attributes:
        mask: (Y, X) voxels whose centres lie inside.
        edge_mm: (n, 2) points (y, x) on the outline, in mm from voxel (0, 0).
    """

    mask: NDArray[np.bool_]
    edge_mm: NDArray[np.float64]

    def distance_mm(self, points_mm: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Signed distances of (m, 2) points, positive inside."""
        if not len(self.edge_mm):
            return np.where(inside, _FAR_MM, -_FAR_MM)
        distance, _ = KDTree(self.edge_mm).query(points_mm)
        signed: NDArray[np.float64] = np.where(inside, distance, -distance)
        return signed


@dataclass(frozen=True, eq=False)
class Between:
    """What lies between two planes.

    Attributes:
        both: (Y, X) voxels inside on both planes.
        unlike: (m, 2) voxels (y, x) inside on one of them.
        below_mm, above_mm: (m,) their signed distances, positive inside.
    """

    both: NDArray[np.bool_]
    unlike: NDArray[np.int64]
    below_mm: NDArray[np.float64]
    above_mm: NDArray[np.float64]

    def at(self, fraction: float) -> NDArray[np.bool_]:
        """(Y, X) mask at a fraction of the way from the one below to the one above."""
        mask = self.both.copy()
        rows, columns = self.unlike.T
        mask[rows, columns] = (1 - fraction) * self.below_mm + fraction * self.above_mm >= 0
        return mask


def outline(shape: ContourShape, shape_yx: tuple[int, int], spacing_yx_mm: Sequence[float]) -> Outline:
    """The outline of a shape, as far as it lies within half a width of the slice."""
    window = _fine_window(shape, shape_yx)
    fine = shape.fill(window)
    across_rows = np.argwhere(fine[1:] != fine[:-1]) + np.array([0.5, 0.0])
    across_columns = np.argwhere(fine[:, 1:] != fine[:, :-1]) + np.array([0.0, 0.5])
    edge = np.concatenate([across_rows, across_columns])
    edge_mm = (edge / window.factor + np.asarray(window.start_yx)) * np.asarray(spacing_yx_mm)
    return Outline(shape.fill(Window((0, 0), shape_yx)), edge_mm)


def outline_work(shape: ContourShape, shape_yx: tuple[int, int]) -> float:
    """Crossings that finding it costs; contours that were compared have paid for the others of their plane."""
    window = _fine_window(shape, shape_yx)
    corners = window.samples(np.concatenate(shape.polygons_yx)).clip(0, window.shape_yx[0])
    crossings = row_crossings(corners, np.array([len(polygon) for polygon in shape.polygons_yx]))
    return float(crossings.sum()) + float(np.prod(window.shape_yx)) / SAMPLES_A_CROSSING


def _fine_window(shape: ContourShape, shape_yx: tuple[int, int]) -> Window:
    margin = np.asarray(shape_yx) // 2
    corners = np.concatenate(shape.polygons_yx)
    low = np.clip(np.floor(corners.min(axis=0)) - 1, -margin, shape_yx + margin).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2, low, shape_yx + margin).astype(int)
    size = high - low
    factor = next((f for f in _FINENESS if size.prod() * f * f <= MOST_SAMPLES), 1)
    rows, columns = ((size - 1).clip(0) * factor + 1).tolist()
    return Window((int(low[0]), int(low[1])), (rows, columns), factor)


def between(below: Outline, above: Outline, spacing_yx_mm: Sequence[float]) -> Between:
    """Distances wherever the two planes differ."""
    unlike = np.argwhere(below.mask ^ above.mask)
    rows, columns = unlike.T
    points_mm = unlike * np.asarray(spacing_yx_mm)
    first = below.distance_mm(points_mm, below.mask[rows, columns])
    second = above.distance_mm(points_mm, above.mask[rows, columns])
    return Between(below.mask & above.mask, unlike, first, second)


def between_work(below: Outline, above: Outline) -> float:
    """Crossings that it costs."""
    edges = len(below.edge_mm) + len(above.edge_mm)
    return 2 * _NEAREST_WORK * float((below.mask ^ above.mask).sum()) + _EDGE_WORK * edges
