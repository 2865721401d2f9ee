"""Whether those with the event by a time have greater risks than those without: the time-dependent AUC."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.censoring import censoring_survival


def cumulative_auc(outcome: Outcome, risk: ArrayLike, times_days: ArrayLike) -> NDArray[np.float64]:
    """Cumulative/dynamic AUC at each time; risk greater means event earlier.

    The probability that somebody with the event until t has a greater risk than somebody without it until then; equal
    risks, and risks that are NaN, count one half. Patients with the event are weighted by 1/G just before it, where G
    is estimated from the patients scored (Uno et al. 2007, doi:10.1198/016214507000000149; the estimator as in Blanche
    et al. 2013, doi:10.1002/bimj.201200045, equation 3). Departure: scikit-survival 0.28 takes G at the event, which
    differs where censoring falls on days of events.

    Args:
        outcome: of the patients scored.
        risk: (n,) the same at all times, or (n, times).
        times_days: (times,).

    Returns:
        (times,) in [0, 1]; NaN where nobody had the event until then, or nobody was watched for longer.
    """
    times = np.atleast_1d(np.asarray(times_days, float))
    risks = np.asarray(risk, float)
    if risks.ndim == 1:
        risks = np.broadcast_to(risks[:, None], (len(risks), len(times)))
    assert risks.shape == (len(outcome), len(times)), risks.shape
    weights = 1 / censoring_survival(outcome).before(outcome.time_days)
    scores = np.full(len(times), np.nan)
    for number, time in enumerate(times):
        cases, controls = outcome.event & (outcome.time_days <= time), outcome.time_days > time
        if cases.any() and controls.any():
            above = _share_above(risks[cases, number], risks[controls, number])
            scores[number] = np.average(above, weights=weights[cases])
    return scores


def _share_above(cases: NDArray[np.float64], controls: NDArray[np.float64]) -> NDArray[np.float64]:
    """(cases,) the share of controls with a smaller value; equal ones and NaN count one half."""
    known = np.sort(controls[~np.isnan(controls)])
    less = np.searchsorted(known, cases, side="left")
    same = np.searchsorted(known, cases, side="right") - less
    share: NDArray[np.float64] = (less + (same + len(controls) - len(known)) / 2) / len(controls)
    return np.where(np.isnan(cases), 0.5, share)
