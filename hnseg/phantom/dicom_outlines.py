"""Outlines of a mask as a planning system draws them: closed polygons in the planes of the slices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours, points_in_poly

from hnseg.types import Grid

Polygon = NDArray[np.float64]


def mask_outlines(mask: NDArray[np.bool_], grid: Grid, keyhole: bool) -> Iterator[tuple[int, Polygon]]:
    """Slice number and closed outline (n, 3) LPS mm, without the first point again; through the middles of voxel edges.

    So every voxel centre lies well inside or well outside.

    Args:
        mask: (Z, Y, X).
        grid: of the mask.
        keyhole: join a hole to its outline by a channel of no width; else it comes as an outline of its own.
    """
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        polygons = _polygons(mask[index])
        for polygon in _joined(polygons) if keyhole else polygons:
            yield int(index), grid.to_lps_mm(np.insert(polygon, 0, index, axis=1))


def _polygons(image: NDArray[np.bool_]) -> list[Polygon]:
    """(n, 2) pixel positions (y, x) of each outline; a hole winds the other way."""
    padded = np.pad(image, 1).astype(float)
    return [contour[:-1] - 1 for contour in find_contours(padded, 0.5, fully_connected="low")]


def _joined(polygons: list[Polygon]) -> list[Polygon]:
    """Outlines with the holes in them joined on."""
    order = sorted(polygons, key=lambda polygon: abs(_area(polygon)))
    outlines = [polygon for polygon in order if _area(polygon) * _area(order[-1]) > 0]
    for hole in (polygon for polygon in order if _area(polygon) * _area(order[-1]) < 0):
        # smallest first: the outline right around the hole, not one around that
        around = next(i for i, outline in enumerate(outlines) if points_in_poly(hole[:1], outline)[0])
        outlines[around] = _keyhole(outlines[around], hole)
    return outlines


def _keyhole(outline: Polygon, hole: Polygon) -> Polygon:
    apart = np.linalg.norm(outline[:, None] - hole[None], axis=-1)
    i, j = np.unravel_index(np.argmin(apart), apart.shape)
    return np.concatenate([outline[: i + 1], np.roll(hole, -j, axis=0), hole[j : j + 1], outline[i:]])


def _area(polygon: Polygon) -> float:
    y, x = polygon.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)
