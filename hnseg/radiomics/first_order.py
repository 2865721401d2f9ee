"""First-order statistics of the intensities in a mask, by pyradiomics 3.0.1.

Departures of pyradiomics from the IBSI (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145), kept here: Kurtosis is
not the excess (IBSI + 3); percentiles interpolate between values; Entropy and Uniformity are of grey levels (the
IBSI's intensity histogram); TotalEnergy (Energy times the volume of a voxel) is not in the IBSI. Energy, TotalEnergy
and RootMeanSquared may be shifted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr


def first_order(
    values: NDArray[np.float64], levels: NDArray[np.int64], voxel_volume_mm3: float, energy_shift: float
) -> dict[str, float]:
    """The 18 features.

    Args:
        values: (voxels,) intensities.
        levels: (voxels,) their grey levels.
        voxel_volume_mm3: for TotalEnergy.
        energy_shift: added to values for energies.
    """
    p10, p25, p75, p90 = np.percentile(values, (10, 25, 75, 90))
    middle = values[(values >= p10) & (values <= p90)]
    mean = values.mean()
    centred = values - mean
    variance = np.mean(centred**2)
    spread = variance or 1.0  # a flat region has neither skewness nor kurtosis
    shares = np.bincount(levels) / len(levels)
    energy = np.sum((values + energy_shift) ** 2)
    found = {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "Entropy": entr(shares).sum() / np.log(2),
        "InterquartileRange": p75 - p25,
        "Kurtosis": np.mean(centred**4) / spread**2,
        "Maximum": values.max(),
        "MeanAbsoluteDeviation": np.abs(centred).mean(),
        "Mean": mean,
        "Median": np.median(values),
        "Minimum": values.min(),
        "Range": np.ptp(values),
        "RobustMeanAbsoluteDeviation": np.abs(middle - middle.mean()).mean(),
        "RootMeanSquared": np.sqrt(energy / len(values)),
        "Skewness": np.mean(centred**3) / spread**1.5,
        "TotalEnergy": energy * voxel_volume_mm3,
        "Uniformity": np.sum(shares**2),
        "Variance": variance,
    }
    return {name: float(value) for name, value in found.items()}
