"""Neighbourhood grey-tone differences (Amadasun and King 1989, doi:10.1109/21.44046), by pyradiomics 3.0.1.

A departure of pyradiomics from the IBSI, kept: a voxel without any neighbour in the mask counts, with no difference;
the IBSI leaves it out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.radiomics.region import Region

NO_DIFFERENCE_COARSENESS = 1e6
"""What Coarseness is where no voxel differs from its neighbourhood (pyradiomics and IBSI)."""


def tone_differences(region: Region) -> dict[str, float]:
    """The 5 features."""
    counts, differences = tone_difference_matrix(region)
    voxels, level = counts.sum(), region.levels
    share = counts / voxels
    weighted = share * differences
    apart = np.abs(level[:, None] - level)
    pair_shares = share[:, None] + share
    total = weighted.sum()
    spans = np.abs((level * share)[:, None] - level * share).sum()
    n, strength = len(level), np.sum(pair_shares * apart**2)
    contrast = np.sum(share[:, None] * share * apart**2) * differences.sum() / voxels
    found = {
        "Busyness": total / spans if spans else 0.0,
        "Coarseness": 1 / total if total else NO_DIFFERENCE_COARSENESS,
        "Complexity": np.sum(apart * (weighted[:, None] + weighted) / pair_shares) / voxels,
        "Contrast": contrast / (n * (n - 1)) if n > 1 else 0.0,
        "Strength": strength / differences.sum() if differences.any() else 0.0,
    }
    return {name: float(value) for name, value in found.items()}


def tone_difference_matrix(region: Region) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(levels,) voxels of each grey level, and the sum of their differences from the mean of their neighbours."""
    value = np.concatenate([[0.0], region.levels])
    total, neighbours = np.zeros(len(region.voxels)), np.zeros(len(region.voxels))
    for direction in region.directions:
        for sign in (1, -1):
            there = region.there(direction, sign)
            total += value[there]
            neighbours += there > 0
    mean = total / np.maximum(neighbours, 1)
    difference = np.where(neighbours > 0, np.abs(value[region.here] - mean), 0.0)
    bins = len(value)
    counts = np.bincount(region.here, minlength=bins)[1:].astype(float)
    return counts, np.bincount(region.here, difference, minlength=bins)[1:].astype(float, copy=False)
