"""Grey-level run lengths, by pyradiomics 3.0.1: features of each direction, then their mean.

The IBSI's 3-D features "averaged" (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145). A departure of pyradiomics,
kept: a direction in which no two voxels of the mask lie on one line, as across a mask of a single slice, is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.radiomics.region import Region
from hnseg.radiomics.size_matrix import named, size_statistics

NAMES = {
    "level non-uniformity": "GrayLevelNonUniformity",
    "level non-uniformity normalised": "GrayLevelNonUniformityNormalized",
    "level variance": "GrayLevelVariance",
    "high": "HighGrayLevelRunEmphasis",
    "large": "LongRunEmphasis",
    "large high": "LongRunHighGrayLevelEmphasis",
    "large low": "LongRunLowGrayLevelEmphasis",
    "low": "LowGrayLevelRunEmphasis",
    "entropy": "RunEntropy",
    "size non-uniformity": "RunLengthNonUniformity",
    "size non-uniformity normalised": "RunLengthNonUniformityNormalized",
    "percentage": "RunPercentage",
    "size variance": "RunVariance",
    "small": "ShortRunEmphasis",
    "small high": "ShortRunHighGrayLevelEmphasis",
    "small low": "ShortRunLowGrayLevelEmphasis",
}


def run_lengths(region: Region) -> dict[str, float]:
    """The 16 features; NaN for a single voxel."""
    used = [direction for direction in region.directions if _has_line(region, direction)]
    counts = np.zeros((len(used), len(region.levels), max(region.ranks.shape) - 2))
    for matrix, direction in zip(counts, used, strict=True):
        matrix[:] = run_length_matrix(region, direction)
    return named(size_statistics(counts, region.levels, np.arange(1.0, counts.shape[2] + 1)), NAMES)


def run_length_matrix(region: Region, direction: tuple[int, int, int]) -> NDArray[np.float64]:
    """(levels, lengths from 1): runs of one grey level along a direction, as long as they go."""
    step, levels = region.step(direction), len(region.levels)
    ends = region.voxels[region.there(direction, -1) != region.here]
    reaching = []  # for each length how many runs of each level are that long or longer
    while len(ends):
        reaching.append(np.bincount(region.flat[ends], minlength=levels + 1)[1:])
        following = ends + step
        ends = following[region.flat[following] == region.flat[ends]]
    longest = max(region.ranks.shape) - 2
    at_least = np.zeros((levels, longest + 1))
    at_least[:, : len(reaching)] = np.transpose(reaching)
    return at_least[:, :-1] - at_least[:, 1:]


def _has_line(region: Region, direction: tuple[int, int, int]) -> bool:
    """Whether two voxels lie on one line along a direction."""
    if region.there(direction).any():
        return True
    places = np.stack(np.unravel_index(region.voxels, region.ranks.shape), axis=1)
    moving = int(np.flatnonzero(direction)[0])
    at_zero = places - (places[:, [moving]] // direction[moving]) * np.array(direction)
    return len(np.unique(at_zero, axis=0)) < len(at_zero)
