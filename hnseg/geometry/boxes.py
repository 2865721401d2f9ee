"""Axis-aligned boxes in the patient, and grids that fill them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.types import AXIAL_DIRECTION, BoxMm, Grid


def box_grid(box: BoxMm, spacing_mm: tuple[float, float, float]) -> Grid:
    """The unrotated grid that fills ``box``: the edge, not the centre, of its first voxel lies on the low corner.

    Args:
        box: LPS corners (x, y, z) in mm.
        spacing_mm: wanted distance between voxel centres, (z, y, x); it is kept exactly, and the number of voxels
            is the extent divided by it, rounded, at least one. The high side may so be off by half a voxel.

    Raises:
        ValueError: a box without volume, or a spacing that is not a positive number.
    """
    low, high = np.asarray(box.low_mm, float), np.asarray(box.high_mm, float)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high > low).all()):
        raise ValueError(
            f"the box {box.low_mm} to {box.high_mm} mm has no volume; every high corner must exceed its low one."
        )
    spacing = np.asarray(spacing_mm, float)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(f"spacing_mm {spacing_mm} is not three positive numbers; give (z, y, x) in mm.")
    shape = np.maximum(np.rint((high - low)[::-1] / spacing).astype(int), 1)
    origin = low + spacing[::-1] / 2
    return Grid(
        tuple(int(n) for n in shape),  # type: ignore[arg-type]
        tuple(float(d) for d in spacing),  # type: ignore[arg-type]
        tuple(float(v) for v in origin),  # type: ignore[arg-type]
        AXIAL_DIRECTION.copy(),
    )


def image_box(grid: Grid) -> BoxMm:
    """The smallest box that holds every voxel of ``grid``, edges included."""
    low, high = grid.extent_mm
    return BoxMm(tuple(float(v) for v in low), tuple(float(v) for v in high), source="image")  # type: ignore[arg-type]


def overlap_fraction(a: Grid, b: Grid) -> float:
    """Share, 0 to 1, of the box around ``a`` that the box around ``b`` covers.

    Both boxes are axis-aligned (:attr:`Grid.extent_mm`), so an oblique grid counts with the box around it.
    """
    (low_a, high_a), (low_b, high_b) = a.extent_mm, b.extent_mm
    shared = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0.0, None)
    return float(np.prod(shared) / np.prod(high_a - low_a))


def box_contains(box: BoxMm, position_lps_mm: NDArray[Any]) -> NDArray[np.bool_]:
    """Which LPS positions ``(..., 3)`` (x, y, z) lie in ``box``, its faces included; shape ``(...)``."""
    position = np.asarray(position_lps_mm, float)
    inside = (position >= np.asarray(box.low_mm)) & (position <= np.asarray(box.high_mm))
    return np.asarray(inside.all(axis=-1), dtype=np.bool_)
