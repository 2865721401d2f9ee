"""Survival of a group over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike

COLUMNS = ("time_days", "survival", "low", "high", "at_risk")


def kaplan_meier(event: ArrayLike, time_days: ArrayLike) -> pd.DataFrame:
    """Kaplan-Meier curve (Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452) with a pointwise 95 % interval.

    The interval is lifelines': of Greenwood's variance on the scale of log(-log S) (Borgan and Liestol 1990), so it
    stays within 0 and 1; it is 1 to 1 before the first event and NaN where the curve is 0, where it is not defined.

    Args:
        event: (n,) whether the event was seen.
        time_days: (n,) until it, or until the end of follow-up.

    Returns:
        A row for 0 and for each time at which anybody left: ``time_days``, ``survival`` from then on, ``low``,
        ``high``, ``at_risk`` just before. No rows without patients.
    """
    seen, times = np.asarray(event, bool), np.asarray(time_days, float)
    assert seen.shape == times.shape == (seen.size,), (seen.shape, times.shape)
    if not len(times):
        return pd.DataFrame({name: np.empty(0) for name in COLUMNS})
    fitted = KaplanMeierFitter(alpha=0.05).fit(times, seen)
    table, survival = fitted.event_table, fitted.survival_function_.iloc[:, 0].to_numpy(float)
    low, high = fitted.confidence_interval_survival_function_.to_numpy(float).T
    days, at_risk = table.index.to_numpy(float), table["at_risk"].to_numpy(int)
    low, high = (np.where(survival > 0, end, np.nan) for end in (low, high))
    return pd.DataFrame(dict(zip(COLUMNS, (days, survival, low, high, at_risk), strict=True)))


def survival_at(curve: pd.DataFrame, time_days: float) -> tuple[float, float, float]:
    """Survival and its interval at one time; NaN after the last time, unless the curve has reached 0.

    Args:
        curve: of :func:`kaplan_meier`.
        time_days: 0 or later.
    """
    before = curve[curve["time_days"] <= time_days]
    if before.empty:
        return float("nan"), float("nan"), float("nan")
    survival, low, high = before[["survival", "low", "high"]].iloc[-1].astype(float)
    if survival > 0 and time_days > curve["time_days"].iloc[-1]:
        return float("nan"), float("nan"), float("nan")
    return float(survival), float(low), float(high)
