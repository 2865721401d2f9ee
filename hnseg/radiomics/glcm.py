"""Grey-level co-occurrence (Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314), by pyradiomics 3.0.1.

Symmetric matrices of neighbours at distance 1, features of each direction, then their mean: the IBSI's 3-D features
"averaged". A direction in which the mask has no neighbours is left out. MCC (the maximal correlation coefficient) is
not in the IBSI. Departures from pyradiomics: nothing is added within logarithms (there 2e-16), and where rounding would
make MCC or Imc2 the root of a negative number they are 0, not left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, xlogy

from hnseg.radiomics.region import Region

Values = NDArray[np.float64]
LN2 = float(np.log(2))


def co_occurrences(region: Region) -> dict[str, float]:
    """The 24 features; NaN for a single voxel, which has no neighbours."""
    found: dict[str, list[float]] = {}
    for direction in region.directions:
        counts = co_occurrence_matrix(region, direction)
        if counts.any():
            for name, value in _features(counts / counts.sum(), region.levels).items():
                found.setdefault(name, []).append(value)
    return {name: float(np.mean(found.get(name, np.nan))) for name in NAMES}


def co_occurrence_matrix(region: Region, direction: tuple[int, int, int]) -> Values:
    """(levels, levels): how often voxels of two grey levels are neighbours along a direction, either way."""
    bins = len(region.levels) + 1
    pairs = np.bincount(region.here * bins + region.there(direction), minlength=bins * bins)
    counts = pairs.reshape(bins, bins)[1:, 1:].astype(float)
    symmetric: Values = counts + counts.T
    return symmetric


def _features(p: Values, level: Values) -> dict[str, float]:
    """Of one symmetric matrix of probabilities."""
    found = {**_of_pairs(p, level), **_of_differences(p, level), **_of_sums(p, level), **_of_information(p)}
    return {name: float(value) for name, value in found.items()}


def _of_pairs(p: Values, level: Values) -> dict[str, float]:
    i, j = level[:, None], level
    share = p.sum(1)
    mean = share @ level
    centred = level - mean
    variance = share @ centred**2
    cluster = i + j - 2 * mean
    return {
        "Autocorrelation": (level @ p) @ level,
        "ClusterProminence": (cluster**4 * p).sum(),
        "ClusterShade": (cluster**3 * p).sum(),
        "ClusterTendency": (cluster**2 * p).sum(),
        "Contrast": ((i - j) ** 2 * p).sum(),
        "Correlation": (centred @ p) @ centred / variance if variance else 1.0,
        "JointAverage": mean,
        "JointEnergy": (p**2).sum(),
        "JointEntropy": entr(p).sum() / LN2,
        "MaximumProbability": p.max(),
        "SumSquares": variance,
    }


def _of_differences(p: Values, level: Values) -> dict[str, float]:
    k, share = _grouped(np.abs(level[:, None] - level), p)
    mean, highest = share @ k, level.max()
    return {
        "DifferenceAverage": mean,
        "DifferenceEntropy": entr(share).sum() / LN2,
        "DifferenceVariance": share @ (k - mean) ** 2,
        "Id": share @ (1 / (1 + k)),
        "Idm": share @ (1 / (1 + k**2)),
        "Idmn": share @ (1 / (1 + (k / highest) ** 2)),
        "Idn": share @ (1 / (1 + k / highest)),
        "InverseVariance": share[k > 0] @ k[k > 0] ** -2,
    }


def _of_sums(p: Values, level: Values) -> dict[str, float]:
    k, share = _grouped(level[:, None] + level, p)
    return {"SumAverage": share @ k, "SumEntropy": entr(share).sum() / LN2}


def _of_information(p: Values) -> dict[str, float]:
    share = p.sum(1)
    independent = share[:, None] * share
    own, joint = entr(share).sum() / LN2, entr(p).sum() / LN2
    crossed, doubled = -xlogy(p, independent).sum() / LN2, entr(independent).sum() / LN2
    return {
        "Imc1": (joint - crossed) / own if own else 0.0,
        "Imc2": np.sqrt(max(0.0, 1 - np.exp(-2 * (doubled - joint)))),
        "MCC": _maximal_correlation(p, share),
    }


def _maximal_correlation(p: Values, share: Values) -> float:
    """Second largest singular value of ``p(i, j) / sqrt(p(i) p(j))``: the root of that eigenvalue of Haralick's Q."""
    if len(p) < 2:
        return 1.0
    scale = np.divide(1, np.sqrt(share), where=share > 0, out=np.zeros_like(share))
    values = np.abs(np.linalg.eigvalsh(scale[:, None] * p * scale))  # symmetric: singular values, but for the sign
    return float(np.sort(values)[-2])


def _grouped(keys: Values, p: Values) -> tuple[Values, Values]:
    """Each key that occurs, and the probability of all pairs with it."""
    unique, place = np.unique(keys, return_inverse=True)
    return unique, np.bincount(place.ravel(), p.ravel()).astype(float, copy=False)


NAMES = tuple(sorted(_features(np.ones((1, 1)), np.ones(1))))
