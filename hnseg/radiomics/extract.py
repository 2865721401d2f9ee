"""All features of one image inside one mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import bounding_slices
from hnseg.radiomics.dependence import dependences
from hnseg.radiomics.discretise import grey_levels, resegmented
from hnseg.radiomics.first_order import first_order
from hnseg.radiomics.glcm import co_occurrences
from hnseg.radiomics.region import Region
from hnseg.radiomics.run_lengths import run_lengths
from hnseg.radiomics.settings import Settings
from hnseg.radiomics.shape import shape
from hnseg.radiomics.size_zones import size_zones
from hnseg.radiomics.tone_difference import tone_differences


def extract(
    image: NDArray[Any], mask: NDArray[Any], spacing_mm: tuple[float, float, float], settings: Settings
) -> dict[str, float]:
    """The 107 features that pyradiomics 3.0.1 calls ``original``, by its names.

    Args:
        image: (Z, Y, X) in HU, SUV or any unit; only what is inside the mask is looked at.
        mask: (Z, Y, X), bool or 0 outside.
        spacing_mm: (z, y, x).
        settings: how.

    Returns:
        ``original_<class>_<feature>`` to its value. A feature that a tiny mask cannot have is NaN: co-occurrences, run
        lengths, Elongation and Flatness of a single voxel, which pyradiomics refuses.

    Raises:
        ValueError: the shapes differ, a spacing is not above 0, the mask is empty or nothing of it is left after
            resegmentation, a value inside it is not finite, or there would be far too many grey levels.
    """
    inside = np.asarray(mask).astype(bool, copy=False)
    if np.ndim(image) != 3 or np.shape(image) != inside.shape:
        raise ValueError(f"image {np.shape(image)} and mask {inside.shape} must have one shape with axes (z, y, x)")
    if not all(0 < step < math.inf for step in spacing_mm):
        raise ValueError(f"spacing_mm is {tuple(spacing_mm)}; every spacing must be above 0")
    box = bounding_slices(inside)
    if box is None:
        raise ValueError("the mask is empty, so there is nothing to measure; give one with at least one voxel")
    spacing = (1.0, 1.0, 1.0) if settings.ignore_spacing else spacing_mm
    inside, values = inside[box], np.asarray(image)[box][inside[box]].astype(float)
    if wrong := np.count_nonzero(~np.isfinite(values)):
        raise ValueError(f"{wrong} of {len(values)} voxels inside the mask are not finite; mend the image or the mask")
    found = {"shape": shape(inside, spacing), **_of_intensities(inside, values, math.prod(spacing), settings)}
    return {f"original_{kind}_{name}": value for kind, features in found.items() for name, value in features.items()}


def _of_intensities(
    inside: NDArray[np.bool_], values: NDArray[np.float64], voxel_volume_mm3: float, settings: Settings
) -> dict[str, dict[str, float]]:
    """Everything but shape, of the voxels that resegmentation leaves."""
    kept = resegmented(values, settings)
    if not kept.any():
        raise ValueError(
            f"resegmentation leaves none of the {len(kept)} voxels inside the mask, whose values lie from "
            f"{values.min():g} to {values.max():g}; widen resegment_range"
        )
    counted = np.zeros_like(inside)
    counted[inside] = kept
    levels = grey_levels(values[kept], settings)
    region = Region.of(counted, levels, settings.force_2d)
    return {
        "firstorder": first_order(values[kept], levels, voxel_volume_mm3, settings.energy_shift),
        "glcm": co_occurrences(region),
        "gldm": dependences(region),
        "glrlm": run_lengths(region),
        "glszm": size_zones(region),
        "ngtdm": tone_differences(region),
    }
