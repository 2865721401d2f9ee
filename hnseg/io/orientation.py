"""From the affine matrix of a file header to a :class:`~hnseg.types.Grid`, or a reason why not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.types import Grid

MAX_SHIFT_MM = 0.1
"""A corner voxel may move by this much before two descriptions of a geometry disagree: a fifth of the finest voxels."""

MAX_COSINE_ERROR = 1e-3
"""Likewise for a direction cosine; near half a turn a float32 quaternion is good to no more than 3e-4."""


class GeometryError(ValueError):
    """What is wrong with an affine matrix, as half a sentence."""


def grid_from_affine(
    matrix_xyz: NDArray[np.float64], origin_mm: NDArray[np.float64], shape_xyz: tuple[int, ...]
) -> Grid:
    """The grid of an LPS affine whose columns belong to the image axes x, y, z.

    Rounding is removed: the cosines become the nearest orthonormal ones (polar decomposition, Higham 1986,
    doi:10.1137/0907079).

    Raises:
        GeometryError: an axis without voxels, numbers that are not finite, a spacing of zero, or axes that are
            not perpendicular.
    """
    if min(shape_xyz) < 1:
        raise GeometryError(f"a size of {' x '.join(map(str, shape_xyz))} voxels")
    if not (np.isfinite(matrix_xyz).all() and np.isfinite(origin_mm).all()):
        raise GeometryError("position or direction that is not a finite number")
    spacing = np.linalg.norm(matrix_xyz, axis=0)
    if spacing.min() < 1e-6:
        raise GeometryError(f"voxel spacing of {tuple(float(f'{d:.6g}') for d in spacing)} mm (x, y, z)")
    cosines = matrix_xyz / spacing
    left, _, right = np.linalg.svd(cosines)
    nearest = left @ right
    deviation = np.abs(nearest - cosines)
    shift_mm = (deviation * spacing * (np.asarray(shape_xyz) - 1)).sum(axis=1).max()
    if deviation.max() > MAX_COSINE_ERROR or shift_mm > MAX_SHIFT_MM:
        raise GeometryError(f"sheared axes ({_worst_angle_degrees(cosines):.2f} degrees off perpendicular)")
    if deviation.max() > 1e-12:
        cosines = nearest
    return Grid(
        tuple(int(n) for n in shape_xyz[::-1]),  # type: ignore[arg-type]
        tuple(float(d) for d in spacing[::-1]),  # type: ignore[arg-type]
        tuple(float(p) + 0.0 for p in origin_mm),  # type: ignore[arg-type]
        cosines[:, ::-1] + 0.0,
    )


def disagreement(a: Grid, b: Grid) -> str:
    """How two grids of one shape differ beyond rounding, in words; empty where they agree."""
    found = []
    shift_mm = float(np.abs(np.subtract(a.origin_mm, b.origin_mm)).max())
    if shift_mm > MAX_SHIFT_MM:
        found.append(f"origins {shift_mm:.2f} mm apart")
    stretch_mm = np.abs(np.subtract(a.spacing_mm, b.spacing_mm)) * np.asarray(a.shape_zyx)
    if stretch_mm.max() > MAX_SHIFT_MM:
        found.append(f"spacings {_rounded(a.spacing_mm)} and {_rounded(b.spacing_mm)} mm (z, y, x)")
    cosine_error = float(np.abs(a.direction - b.direction).max())
    if cosine_error > MAX_COSINE_ERROR:
        found.append(f"direction cosines {cosine_error:.4f} apart")
    return ", ".join(found)


def _worst_angle_degrees(cosines: NDArray[np.float64]) -> float:
    between = np.abs(cosines.T @ cosines - np.eye(3)).max()
    return float(np.degrees(np.arcsin(min(between, 1.0))))


def _rounded(spacing_mm: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(d, 4) for d in spacing_mm)
