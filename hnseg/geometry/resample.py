"""Values of an image at the voxel centres of another grid."""

from __future__ import annotations

from typing import Literal

import numpy as np
import SimpleITK as sitk

from hnseg.geometry.sitk import from_sitk, sitk_direction, sitk_spacing, to_sitk
from hnseg.types import Grid, Volume

Interpolation = Literal["nearest", "linear", "bspline"]

_INTERPOLATORS = {"nearest": sitk.sitkNearestNeighbor, "linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}

# Source voxels kept around what the target reaches: one against rounding, and more for cubic B-splines, whose
# prefilter forgets by its pole, sqrt(3) - 2 = -0.27, a voxel (Unser 1999, doi:10.1109/79.799930): 0.27 ** 16 is
# below float32 resolution.
_MARGIN_VOXELS = {"nearest": 1, "linear": 1, "bspline": 16}


def resample(volume: Volume, grid: Grid, interpolation: Interpolation = "linear", fill: float = 0.0) -> Volume:
    """``volume`` seen on ``grid``; both may be oblique, left-handed and anisotropic.

    A point up to half a voxel beyond the outermost voxel *centres*, that is anywhere within the voxels' edges, still
    counts as inside: it takes the outermost value there (linear, nearest) or the mirrored continuation (B-spline).
    Everything beyond the edges is ``fill``. No smoothing precedes a coarser grid.

    Args:
        volume: any numeric dtype.
        grid: where the values are wanted.
        interpolation: ``nearest`` for masks; ``bspline`` is cubic and overshoots at edges.
        fill: value outside the source.

    Returns:
        A volume on ``grid``: dtype of the source for ``nearest`` (bool stays bool), else float32.

    Raises:
        ValueError: ``interpolation`` is not one of the three.
    """
    if interpolation not in _INTERPOLATORS:
        raise ValueError(f"interpolation {interpolation!r} is unknown; use one of {', '.join(_INTERPOLATORS)}.")
    dtype = volume.array.dtype if interpolation == "nearest" else np.dtype(np.float32)
    part = _reached_part(volume, grid, _MARGIN_VOXELS[interpolation])
    if part is None:
        return Volume(np.full(grid.shape_zyx, fill, dtype), grid)
    if interpolation != "nearest":
        part = Volume(part.array.astype(np.float32, copy=False), part.grid)
    image = sitk.Resample(
        to_sitk(part),
        grid.shape_zyx[::-1],
        sitk.Transform(),
        _INTERPOLATORS[interpolation],
        tuple(float(v) for v in grid.origin_mm),
        sitk_spacing(grid),
        sitk_direction(grid),
        float(fill),
    )
    return Volume(from_sitk(image).array.astype(dtype, copy=False), grid)


def _reached_part(volume: Volume, grid: Grid, margin_voxels: int) -> Volume | None:
    """The part of ``volume`` that can influence ``grid``; None where they do not meet.

    A box cut from a whole-body scan needs a tenth of its voxels; casting and prefiltering the rest would cost
    most of the time.
    """
    corners_zyx = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape_zyx], indexing="ij")).reshape(3, -1).T
    reached = volume.grid.to_index_zyx(grid.to_lps_mm(corners_zyx))
    shape = np.asarray(volume.array.shape)
    low = np.maximum(np.floor(reached.min(axis=0)).astype(int) - margin_voxels, 0)
    high = np.minimum(np.ceil(reached.max(axis=0)).astype(int) + margin_voxels + 1, shape)
    if np.any(low >= high):
        return None
    start, size = (int(v) for v in low), (int(v) for v in high - low)
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return Volume(volume.array[window], volume.grid.crop(tuple(start), tuple(size)))  # type: ignore[arg-type]
