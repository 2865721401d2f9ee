"""Grey-level dependence (Sun and Wee 1983, doi:10.1016/0734-189X(83)90032-4), by pyradiomics 3.0.1.

The IBSI's neighbouring grey-level dependence with coarseness 0 and distance 1: how many of the 26 neighbours have the
grey level of a voxel; a dependence of ``k`` neighbours has the size ``k + 1``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.radiomics.region import Region
from hnseg.radiomics.size_matrix import named, size_statistics

NAMES = {
    "entropy": "DependenceEntropy",
    "size non-uniformity": "DependenceNonUniformity",
    "size non-uniformity normalised": "DependenceNonUniformityNormalized",
    "size variance": "DependenceVariance",
    "level non-uniformity": "GrayLevelNonUniformity",
    "level variance": "GrayLevelVariance",
    "high": "HighGrayLevelEmphasis",
    "large": "LargeDependenceEmphasis",
    "large high": "LargeDependenceHighGrayLevelEmphasis",
    "large low": "LargeDependenceLowGrayLevelEmphasis",
    "low": "LowGrayLevelEmphasis",
    "small": "SmallDependenceEmphasis",
    "small high": "SmallDependenceHighGrayLevelEmphasis",
    "small low": "SmallDependenceLowGrayLevelEmphasis",
}


def dependences(region: Region) -> dict[str, float]:
    """The 14 features."""
    counts = dependence_matrix(region)
    return named(size_statistics(counts[None], region.levels, np.arange(1.0, counts.shape[1] + 1)), NAMES)


def dependence_matrix(region: Region) -> NDArray[np.float64]:
    """(levels, 1 + neighbours): voxels of a grey level by how many neighbours have the same, from none."""
    same = np.zeros(len(region.voxels), np.int64)
    for direction in region.directions:
        for sign in (1, -1):
            same += region.there(direction, sign) == region.here
    sizes = 2 * len(region.directions) + 1
    counts = np.bincount((region.here - 1) * sizes + same, minlength=len(region.levels) * sizes)
    return counts.reshape(-1, sizes).astype(float)
