"""Where the voxels of a phantom scan lie: the centre's field of view around the patient, and legal oddities."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from hnseg.phantom.plan import PatientPlan
from hnseg.types import AXIAL_DIRECTION, Grid

Oddity = Literal["none", "oblique", "flipped", "large_pet"]
"""``oblique``: CT turned by some degrees against the patient's axes; ``flipped``: CT stored head first and from left to
right (negative directions); ``large_pet``: PET reaching beyond the CT on every side."""

_PET_SHIFT_MM = np.array([1.3, -0.9, 0.7])
_FRONT_MM = 12.0  # the middle of the field of view lies so far in front of the brain stem


def ct_grid(plan: PatientPlan, spacing_mm: tuple[float, float, float], oddity: Oddity = "none") -> Grid:
    """The CT grid of a patient.

    Raises:
        ValueError: spacing that is not positive.
    """
    low, high = _field(plan, plan.centre.ct_field_mm)
    grid = _axial(low, high, spacing_mm)
    if oddity == "flipped":
        return _reversed(grid, axes=(0, 2))
    if oddity == "oblique":
        return _turned(grid, Rotation.from_euler("xyz", (6.0, 3.0, -2.0), degrees=True).as_matrix())
    return grid


def pet_grid(plan: PatientPlan, spacing_mm: tuple[float, float, float], oddity: Oddity = "none") -> Grid:
    """The PET grid of a patient, not aligned with that of the CT.

    Raises:
        ValueError: spacing that is not positive.
    """
    low, high = _field(plan, plan.centre.pet_field_mm)
    if oddity == "large_pet":
        width = plan.centre.ct_field_mm + 100
        low, high = _field(plan, width)
        low[2], high[2] = low[2] - 25, high[2] + 25
    return _axial(low + _PET_SHIFT_MM, high + _PET_SHIFT_MM, spacing_mm)


def _field(plan: PatientPlan, width_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners (x, y, z) of the field of view in LPS mm."""
    x, y, z = plan.pose.origin_lps_mm
    scale, half = plan.pose.scale, width_mm / 2
    middle = y - _FRONT_MM
    low = np.array([x - half, middle - half, z - plan.centre.bottom_mm * scale])
    return low, np.array([x + half, middle + half, z + plan.centre.top_mm * scale])


def _axial(low: np.ndarray, high: np.ndarray, spacing_mm: tuple[float, float, float]) -> Grid:
    if min(spacing_mm) <= 0:
        raise ValueError(f"the spacing of a phantom scan must be above 0 mm on every axis; got {spacing_mm}")
    spacing_xyz = np.asarray(spacing_mm[::-1], float)
    count = np.maximum(np.round((high - low) / spacing_xyz), 2).astype(int)
    origin = np.round((low + high) / 2 - (count - 1) / 2 * spacing_xyz, 3)
    shape = (int(count[2]), int(count[1]), int(count[0]))
    return Grid(shape, spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])))


def _reversed(grid: Grid, axes: tuple[int, ...]) -> Grid:
    direction = AXIAL_DIRECTION.copy()
    start = np.zeros(3)
    for axis in axes:
        direction[:, axis] *= -1
        start[axis] = grid.shape_zyx[axis] - 1
    x, y, z = (float(v) for v in grid.to_lps_mm(start))
    return Grid(grid.shape_zyx, grid.spacing_mm, (x, y, z), direction)


def _turned(grid: Grid, rotation: np.ndarray) -> Grid:
    middle = grid.to_lps_mm((np.asarray(grid.shape_zyx) - 1) / 2)
    x, y, z = (float(v) for v in np.round(middle + rotation @ (np.asarray(grid.origin_mm) - middle), 3))
    return Grid(grid.shape_zyx, grid.spacing_mm, (x, y, z), rotation @ grid.direction)
