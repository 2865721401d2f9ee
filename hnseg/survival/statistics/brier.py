"""How far predicted probabilities of survival are from what happened: the Brier score under censoring."""

from __future__ import annotations

import numpy as np
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike, NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.censoring import censoring_survival

Floats = NDArray[np.float64]


def brier(outcome: Outcome, survival: ArrayLike, times_days: ArrayLike) -> Floats:
    """Brier score at each time, weighted for censoring: 0 is perfect, a constant 0.5 scores 0.25.

    Graf et al. 1999 (doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5), their equation for
    BS^c(t): who had the event until t is divided by G just before it, who went on by G at t, and who was lost counts
    nothing. G, the chance to be still watched, is estimated from the patients scored. Survival is the opposite of risk:
    a greater value means that the event is expected later. Departure: scikit-survival 0.28 takes G at the event, which
    differs where censoring falls on days of events.

    Args:
        outcome: of the patients scored.
        survival: (n, times) predicted probability of no event until each time.
        times_days: (times,).

    Returns:
        (times,) 0 or above; NaN where follow-up had ended, the prediction of somebody who counts is NaN, or
        nobody is scored.
    """
    times, predicted = np.atleast_1d(np.asarray(times_days, float)), np.asarray(survival, float)
    assert predicted.shape == (len(outcome), len(times)), (
        f"{predicted.shape}: {len(outcome)} patients, {len(times)} times"
    )
    if not len(outcome):
        return np.full(len(times), np.nan)
    censoring = censoring_survival(outcome)
    ahead = censoring.at(times)
    ahead = np.where(ahead > 0, ahead, np.nan)
    over = outcome.time_days[:, None] <= times
    cases, controls = over & outcome.event[:, None], ~over
    of_cases = np.where(cases, predicted**2 / censoring.before(outcome.time_days)[:, None], 0.0)
    of_controls = np.where(controls, (1 - predicted) ** 2, 0.0) / ahead
    score: Floats = (of_cases + of_controls).mean(axis=0)
    return score


def integrated_brier(outcome: Outcome, survival: ArrayLike, times_days: ArrayLike) -> float:
    """Mean Brier score over the time from the first to the last of ``times_days``, by the trapezoidal rule.

    Times after the end of follow-up, where there is no score (:func:`brier`), are left out.
    Less is better; a greater survival means that the event is expected later.

    Args:
        outcome, survival: as for :func:`brier`.
        times_days: (times,) ascending, each once.

    Returns:
        0 or above; NaN where fewer than two times are left, or a prediction is NaN.
    """
    times, predicted = np.asarray(times_days, float), np.asarray(survival, float)
    assert (np.diff(times) > 0).all(), "times that do not ascend"
    known = censoring_survival(outcome).at(times) > 0
    if known.sum() < 2:
        return float("nan")
    times = times[known]
    scores = brier(outcome, predicted[:, known], times)
    return float(np.trapezoid(scores, times) / (times[-1] - times[0]))


def reference_survival(train: Outcome, patients: int, times_days: ArrayLike) -> Floats:
    """(patients, times): what one says who knows no features, the training patients' Kaplan-Meier estimate for all.

    After their last time it stays. Its :func:`integrated_brier` is what a model's is compared with.
    """
    fitted = KaplanMeierFitter().fit(train.time_days, train.event)
    curve = fitted.survival_function_at_times(np.atleast_1d(np.asarray(times_days, float))).to_numpy(float)
    return np.tile(curve, (patients, 1))
