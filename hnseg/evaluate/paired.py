"""Tests of two readings of the same patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import wilcoxon

ROUNDING = 1e-9
"""Differences of Dice below it come from decimals in tables."""


def differences(rows: pd.DataFrame, column: str, name: str, reference: str) -> NDArray[np.float64]:
    """(n,) of the patients for whom both are defined: ``name`` minus ``reference``; 0 where both are the same infinity.

    Args:
        rows: of one structure, one a patient and source.
        column: the measure.
        name, reference: sources.
    """
    wide = rows.pivot(index="case", columns="source", values=column).astype(float)  # noqa: PD010  (one row a patient)
    a, b = wide[name].to_numpy(), wide[reference].to_numpy()
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.where(a == b, 0.0, a - b)
    return found[~np.isnan(found)]


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) p-values corrected for being n, by Holm's step-down method; undefined ones stay out and stay undefined."""
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; 1 where no difference is left, nan without patients."""
    found = differences[np.abs(differences) > ROUNDING]
    if len(differences) == 0:
        return float("nan")
    return float(wilcoxon(found).pvalue) if len(found) else 1.0
