"""Whether predicted probabilities of survival come true."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.kaplan_meier import kaplan_meier, survival_at

COLUMNS = ("group", "n", "predicted", "observed", "low", "high")

_GROUPS, _SMALLEST = 5, 20


def calibration(test: Outcome, survival: ArrayLike, horizon_days: float) -> pd.DataFrame:
    """Predicted survival at a horizon beside the observed, in groups of patients with similar predictions.

    Patients are ordered by their prediction and cut into five groups of equal size; those with equal predictions stay
    together; a group of fewer than 20 patients is joined with its neighbour. Observed is the group's
    Kaplan-Meier estimate at the horizon (Harrell, Regression Modeling Strategies, 2nd ed., section 20.9). Survival is
    the opposite of risk: greater means that the event is expected later. Patients whose prediction is NaN are left
    out.

    Args:
        test: who is scored.
        survival: (n,) predicted probability of no event until the horizon.
        horizon_days: where it is looked at.

    Returns:
        A row a group, the lowest survival first: ``group`` from 1, ``n``, ``predicted`` (mean), ``observed``, ``low``,
        ``high`` (95 %); the last three NaN where the group's follow-up ends before the horizon, the last two also where
        nobody or everybody had the event, of which the estimate of the variance is 0.
    """
    predicted = np.asarray(survival, float)
    assert predicted.shape == (len(test),), f"{predicted.shape} predictions of {len(test)} patients"
    rows = []
    for number, members in enumerate(_groups(predicted), start=1):
        curve = kaplan_meier(test.event[members], test.time_days[members])
        observed, *ends = survival_at(curve, horizon_days)
        ends = ends if 0 < observed < 1 else [np.nan, np.nan]
        rows.append((number, len(members), predicted[members].mean(), observed, *ends))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _groups(predicted: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Places of each group's members, the lowest predictions first."""
    known = np.flatnonzero(~np.isnan(predicted))
    order = known[np.argsort(predicted[known], kind="stable")]
    values = predicted[order]
    cuts = np.round(np.linspace(0, len(order), _GROUPS + 1)[1:-1]).astype(int)
    # a cut among equal predictions moves to the first of them
    cuts = np.unique(np.searchsorted(values, values[cuts[cuts < len(order)]]))
    joined: list[NDArray[np.intp]] = []
    for part in np.split(order, cuts):
        if joined and min(len(joined[-1]), len(part)) < _SMALLEST:
            joined[-1] = np.concatenate([joined[-1], part])
        elif len(part):
            joined.append(part)
    return joined
