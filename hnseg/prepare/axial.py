"""A scan seen from its patient: slices from below to above, rows from the front to the back, columns to the left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.types import Grid, Volume


def axial(volume: Volume) -> Volume:
    """The same voxels with array axes turned and flipped to run nearest to superior, posterior and left; a view."""
    order, signs = _order(volume.direction)
    array = volume.array.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
    return Volume(array, axial_grid(volume.grid))


def axial_grid(grid: Grid) -> Grid:
    """The grid of `axial`'s volume; one that is oblique stays so."""
    order, signs = _order(grid.direction)
    start = np.zeros(3)
    for axis, sign in zip(order, signs, strict=True):
        start[axis] = grid.shape_zyx[axis] - 1 if sign < 0 else 0
    x_mm, y_mm, z_mm = grid.to_lps_mm(start).tolist()
    z, y, x = order
    shape = grid.shape_zyx[z], grid.shape_zyx[y], grid.shape_zyx[x]
    spacing = grid.spacing_mm[z], grid.spacing_mm[y], grid.spacing_mm[x]
    return Grid(shape, spacing, (x_mm, y_mm, z_mm), np.asarray(grid.direction)[:, order] * np.asarray(signs))


def _order(direction: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """For superior, posterior and left: the array axis nearest to it, and whether it runs along (1) or against (-1)."""
    direction = np.asarray(direction)
    order: list[int] = []
    remaining = [0, 1, 2]
    for world in (2, 1, 0):
        axis = max(remaining, key=lambda candidate: abs(direction[world, candidate]))
        remaining.remove(axis)
        order.append(axis)
    return order, [1 if direction[world, axis] >= 0 else -1 for world, axis in zip((2, 1, 0), order, strict=True)]
