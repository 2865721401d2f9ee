"""Whether two groups differ in survival."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from lifelines.statistics import logrank_test
from numpy.typing import ArrayLike


class LogRank(NamedTuple):
    """Group sizes, chi-squared with one degree of freedom, two-sided p."""

    n_low: int
    n_high: int
    chi2: float
    p: float


def log_rank(event: ArrayLike, time_days: ArrayLike, high_risk: ArrayLike) -> LogRank:
    """Log-rank test of two groups (Mantel 1966), unweighted, with the hypergeometric variance; lifelines'.

    Args:
        event: (n,) whether the event was seen.
        time_days: (n,) until it, or until the end of follow-up.
        high_risk: (n,) in which group each is: greater risk means event earlier. The test itself is two-sided.

    Returns:
        chi2 and p are NaN where a group is empty or nobody has the event.
    """
    seen, times, high = np.asarray(event, bool), np.asarray(time_days, float), np.asarray(high_risk, bool)
    assert seen.shape == times.shape == high.shape == (seen.size,), (seen.shape, times.shape, high.shape)
    n_high = int(high.sum())
    n_low = len(high) - n_high
    if not (n_low and n_high and seen.any()):
        return LogRank(n_low, n_high, float("nan"), float("nan"))
    found = logrank_test(times[high], times[~high], seen[high], seen[~high])
    return LogRank(n_low, n_high, float(found.test_statistic), float(found.p_value))
