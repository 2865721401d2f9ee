"""Patients at low and at high risk, out of fold, and whether the two differ in survival."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from lifelines.statistics import logrank_test
from numpy.typing import ArrayLike

from hnseg.survival.statistics.folds import FoldRisks, by_repeat


class LogRank(NamedTuple):
    """Group sizes, chi-squared with one degree of freedom, two-sided p."""

    n_low: int
    n_high: int
    chi2: float
    p: float


def high_risk(folds: Sequence[FoldRisks]) -> dict[str, bool]:
    """Patient to whether their out-of-fold risk is high; greater risk means event earlier.

    Each fold has a ``cut`` of its own, because risks of different folds are on different scales; as the median of its
    training patients it knows nothing of those who are tested. A patient is at high risk where more than half of the
    repeats say so: above the cut; at it is low. Nobody whose risk is NaN in all repeats is in the result.

    Raises:
        ValueError: somebody is tested twice in a repeat.
    """
    votes: dict[str, list[bool]] = {}
    for fold in (fold for of_repeat in by_repeat(folds) for fold in of_repeat):
        assert fold.cut is not None
        for patient, risk in zip(fold.test.patients, fold.risk, strict=True):
            if not np.isnan(risk):
                votes.setdefault(patient, []).append(bool(risk > fold.cut))
    return {patient: sum(said) * 2 > len(said) for patient, said in votes.items()}


def log_rank(event: ArrayLike, time_days: ArrayLike, high_risk: ArrayLike) -> LogRank:
    """Log-rank test of two groups (Mantel 1966), unweighted, with the hypergeometric variance; lifelines'.

    Args:
        event: (n,) whether the event was seen.
        time_days: (n,) until it, or until the end of follow-up.
        high_risk: (n,) in which group each is: greater risk means event earlier. The test itself is two-sided.

    Returns:
        chi2 and p are NaN where a group is empty or nobody has the event; 0 and 1 where one group has left before the
        first event.
    """
    seen, times, high = np.asarray(event, bool), np.asarray(time_days, float), np.asarray(high_risk, bool)
    assert seen.shape == times.shape == high.shape == (seen.size,), (seen.shape, times.shape, high.shape)
    n_high = int(high.sum())
    n_low = len(high) - n_high
    if not (n_low and n_high and seen.any()):
        return LogRank(n_low, n_high, float("nan"), float("nan"))
    found = logrank_test(times[high], times[~high], seen[high], seen[~high])
    return LogRank(n_low, n_high, float(found.test_statistic), float(found.p_value))
