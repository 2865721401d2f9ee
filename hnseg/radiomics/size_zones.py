"""Grey-level size zones (Thibault et al. 2014, doi:10.1109/TBME.2013.2284600), by pyradiomics 3.0.1 and the IBSI alike.

A zone is what touches by a face, an edge or a corner and has one grey level; within a slice with ``force_2d``, where
the matrices of all slices are one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from hnseg.radiomics.region import IN_PLANE, Region
from hnseg.radiomics.size_matrix import named, size_statistics

NAMES = {
    "level non-uniformity": "GrayLevelNonUniformity",
    "level non-uniformity normalised": "GrayLevelNonUniformityNormalized",
    "level variance": "GrayLevelVariance",
    "high": "HighGrayLevelZoneEmphasis",
    "large": "LargeAreaEmphasis",
    "large high": "LargeAreaHighGrayLevelEmphasis",
    "large low": "LargeAreaLowGrayLevelEmphasis",
    "low": "LowGrayLevelZoneEmphasis",
    "size non-uniformity": "SizeZoneNonUniformity",
    "size non-uniformity normalised": "SizeZoneNonUniformityNormalized",
    "small": "SmallAreaEmphasis",
    "small high": "SmallAreaHighGrayLevelEmphasis",
    "small low": "SmallAreaLowGrayLevelEmphasis",
    "entropy": "ZoneEntropy",
    "percentage": "ZonePercentage",
    "size variance": "ZoneVariance",
}


def size_zones(region: Region) -> dict[str, float]:
    """The 16 features."""
    counts, sizes = size_zone_matrix(region)
    return named(size_statistics(counts[None], region.levels, sizes), NAMES)


def size_zone_matrix(region: Region) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(levels, sizes): number of zones; and (sizes,) the sizes that occur, in voxels."""
    apart = region.ranks
    if region.directions == IN_PLANE:
        # no two slices that touch have a value in common
        odd = np.arange(len(apart))[:, None, None] % 2
        apart = np.where(apart > 0, apart + odd * (len(region.levels) + 1), 0)
    zones = label(apart, background=0, connectivity=3).ravel()[region.voxels] - 1
    voxels = np.bincount(zones)
    rank = np.zeros(len(voxels), np.int64)
    rank[zones] = region.here - 1
    sizes, place = np.unique(voxels, return_inverse=True)
    counts = np.bincount(rank * len(sizes) + place, minlength=len(region.levels) * len(sizes))
    return counts.reshape(-1, len(sizes)).astype(float), sizes.astype(float)
