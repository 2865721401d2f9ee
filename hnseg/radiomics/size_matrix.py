"""What run lengths, size zones and dependences have in common: statistics of a matrix of grey levels by sizes.

The formulas of Galloway 1975 (doi:10.1016/S0146-664X(75)80008-6), Chu et al. 1990 (doi:10.1016/0167-8655(90)90112-F)
and Dasarathy and Holder 1991 (doi:10.1016/0167-8655(91)80014-2), each for one matrix; whether the size is that of a
run, a zone or a dependence is all that differs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr


def size_statistics(
    counts: NDArray[np.float64], levels: NDArray[np.float64], sizes: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Statistics of each matrix.

    Args:
        counts: (matrices, levels, sizes): how often a grey level occurs in a size.
        levels: (levels,) grey levels.
        sizes: (sizes,).

    Returns:
        name to (matrices,).
    """
    total = counts.sum((1, 2))
    shares = counts / total[:, None, None]
    of_level, of_size = shares.sum(2), shares.sum(1)
    level, size = levels, sizes
    mean_level, mean_size = of_level @ level, of_size @ size
    found = {
        "small": of_size @ size**-2,
        "large": of_size @ size**2,
        "level non-uniformity": (of_level**2).sum(1) * total,
        "level non-uniformity normalised": (of_level**2).sum(1),
        "size non-uniformity": (of_size**2).sum(1) * total,
        "size non-uniformity normalised": (of_size**2).sum(1),
        "percentage": 1 / mean_size,
        "level variance": (of_level * (level - mean_level[:, None]) ** 2).sum(1),
        "size variance": (of_size * (size - mean_size[:, None]) ** 2).sum(1),
        "entropy": entr(shares).sum((1, 2)) / np.log(2),
        "low": of_level @ level**-2,
        "high": of_level @ level**2,
    }
    for size_name, size_power in (("small", -2), ("large", 2)):
        for level_name, level_power in (("low", -2), ("high", 2)):
            found[f"{size_name} {level_name}"] = (shares @ size**size_power) @ level**level_power
    return found


def named(statistics: Mapping[str, NDArray[np.float64]], names: Mapping[str, str]) -> dict[str, float]:
    """The mean over matrices of the statistics that have a name among the features; NaN where there is no matrix."""
    return {
        feature: float(values.mean()) if (values := statistics[name]).size else float("nan")
        for name, feature in names.items()
    }
