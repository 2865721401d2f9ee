"""Which part of one grid another one covers, reaches or lies on: index arithmetic for going back to the patient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hnseg.types import Grid

SLAB_SLICES = 8
"""Slices that are worked on at a time; a whole-body scan has hundreds, each of 1 MB a channel."""
ON_VOXELS = 1e-6
"""Part of a voxel that rounding of positions may put between voxels that are the same."""

Triple = tuple[int, int, int]
Part = tuple[Triple, Triple]
"""First voxel and shape."""


def covered_part(grid: Grid, image_grid: Grid) -> Part | None:
    """The smallest block of ``image_grid`` with all of its voxels inside ``grid``, or None where there is none."""
    index = image_grid.to_index_zyx(grid.to_lps_mm(_corners(grid, edges=True)))
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-6) + 1, image_grid.shape_zyx).astype(int)
    return None if np.any(high <= low) else (_triple(low), _triple(high - low))


def union(parts: list[Part]) -> Part | None:
    """The smallest block that holds all blocks; None where there is none."""
    if not parts:
        return None
    low = np.min([start for start, _ in parts], axis=0)
    high = np.max([np.add(start, shape) for start, shape in parts], axis=0)
    return _triple(low), _triple(high - low)


def cut_into_slabs(part: Part | None) -> Iterator[Part]:
    """``part`` cut along the first axis."""
    if part is None:
        return
    (z, y, x), (depth, height, width) = part
    for first in range(z, z + depth, SLAB_SLICES):
        yield (first, y, x), (min(SLAB_SLICES, z + depth - first), height, width)


def needed_slices(grid: Grid, target: Grid) -> slice:
    """The slices of ``grid`` that linear interpolation at the voxels of ``target`` can reach."""
    z = grid.to_index_zyx(target.to_lps_mm(_corners(target, edges=False)))[:, 0]
    low, high = np.clip((np.floor(z.min()) - 1, np.ceil(z.max()) + 2), 0, grid.shape_zyx[0]).astype(int)
    return slice(int(low), int(high))


def start_on(grid: Grid, target: Grid) -> Triple | None:
    """The voxel of ``grid`` at which ``target`` begins, where all voxels of it are voxels of ``grid``; else None."""
    corners = _corners(target, edges=False)
    offsets = grid.to_index_zyx(target.to_lps_mm(corners)) - corners
    first = np.rint(offsets[0])
    inside = np.all(first >= 0) and np.all(first + target.shape_zyx <= grid.shape_zyx)
    return _triple(first) if inside and np.abs(offsets - first).max() <= ON_VOXELS else None


def as_slices(part: Part) -> tuple[slice, ...]:
    """A block as an index of an array."""
    return tuple(slice(start, start + size) for start, size in zip(*part, strict=True))


def _corners(grid: Grid, edges: bool) -> NDArray[np.float64]:
    """(8, 3) indices of the corners of a grid: of its outermost voxels' edges, or of their centres."""
    spans = [(-0.5, n - 0.5) if edges else (0.0, n - 1.0) for n in grid.shape_zyx]
    return np.array(np.meshgrid(*spans, indexing="ij")).reshape(3, -1).T


def _triple(numbers: NDArray[np.generic]) -> Triple:
    z, y, x = (int(n) for n in numbers)
    return z, y, x
