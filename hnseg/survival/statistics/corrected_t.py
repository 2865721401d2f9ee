"""Whether one model is better than another over resampled folds, which share their training patients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student


class TTest(NamedTuple):
    """Mean difference, its t statistic and two-sided p; NaN where they are not defined."""

    difference: float
    t: float
    p: float


def corrected_t_test(differences: ArrayLike, n_train: ArrayLike, n_test: ArrayLike) -> TTest:
    """Corrected resampled t-test of score differences, one a fold (of every repeat).

    Folds are not independent: they share training patients. Nadeau and Bengio 2003 (doi:10.1023/A:1024068626366,
    section 3.4) therefore replace the variance factor 1/k by 1/k + n_test/n_train; k - 1 degrees of freedom. Where
    folds differ in size (leave one centre out), n_test/n_train is averaged over them, which the paper does not treat.

    Scores are such that more is better (a C-index, of which a greater risk means an earlier event); a positive
    difference speaks for the first of the two. Folds whose difference is NaN are left out.

    Args:
        differences: (k,) score of the one minus score of the other.
        n_train, n_test: patients that were fitted on and scored, one number or (k,).

    Returns:
        With no fold all NaN, with one t and p NaN. Where all differences are equal there is no variance: t is 0 and p
        1 if they are 0, else t is infinite and p 0, the limits of both.
    """
    found = np.asarray(differences, float)
    ratio = np.broadcast_to(np.asarray(n_test, float) / np.asarray(n_train, float), found.shape)
    kept = ~np.isnan(found)
    found, ratio = found[kept], ratio[kept]
    k = len(found)
    mean = float(found.mean()) if k else float("nan")
    if k < 2:
        return TTest(mean, float("nan"), float("nan"))
    if np.ptp(found) == 0:
        return TTest(mean, 0.0, 1.0) if mean == 0 else TTest(mean, float(np.copysign(np.inf, mean)), 0.0)
    statistic = mean / np.sqrt((1 / k + ratio.mean()) * found.var(ddof=1))
    return TTest(mean, float(statistic), float(2 * student.sf(abs(statistic), k - 1)))
