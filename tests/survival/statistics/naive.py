"""The same scores by plain loops over pairs and patients, and cohorts to try them on."""

from __future__ import annotations

import numpy as np
from lifelines import KaplanMeierFitter

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics import concordance


def outcome(event, time, prefix: str = "p") -> Outcome:
    time = np.asarray(time, float)
    return Outcome(tuple(f"{prefix}{number}" for number in range(len(time))), np.asarray(event, bool), time)


def drawn(rng, n: int, days: int | None = None, prefix: str = "p", censored: float = 0.5) -> Outcome:
    """A cohort; with ``days`` its times are whole numbers up to there, so that many are tied."""
    event = rng.random(n) >= censored
    time = rng.exponential(1000, n) if days is None else rng.integers(1, days + 1, n)
    return outcome(event, time, prefix)


def structured(cohort: Outcome):
    """As scikit-survival wants it."""
    rows = list(zip(cohort.event, cohort.time_days, strict=True))
    return np.array(rows, dtype=[("event", bool), ("time", float)])


def earlier(event, time, i: int, j: int) -> bool:
    """Whether it is known that i has the event before j."""
    return bool(event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])))


def point(risk_i: float, risk_j: float) -> float:
    """What a pair counts whose first is the earlier."""
    if np.isnan(risk_i) or np.isnan(risk_j) or risk_i == risk_j:
        return 0.5
    return float(risk_i > risk_j)


def counts(event, time, risk) -> tuple[int, int, int]:
    points = [point(risk[i], risk[j]) for i in range(len(time)) for j in range(len(time)) if earlier(event, time, i, j)]
    return points.count(1.0), points.count(0.5), len(points)


def followed_until(cohort: Outcome, t: float) -> float:
    """P(C >= t): of those who could have left on each day before t, the share that stayed."""
    stayed = 1.0
    for day in sorted(set(cohort.time_days[cohort.time_days < t])):
        here, left = cohort.time_days == day, cohort.time_days >= day
        could = left.sum() - (here & cohort.event).sum()
        ended = (here & ~cohort.event).sum()
        stayed *= 1 - ended / could if ended else 1.0
    return stayed


def followed_beyond(cohort: Outcome, t: float) -> float:
    """P(C > t)."""
    return followed_until(cohort, np.nextafter(t, np.inf))


def uno(cohort: Outcome, risk, tau: float = np.inf) -> float:
    good = everything = 0.0
    event, time = cohort.event, cohort.time_days
    for i in range(len(cohort)):
        for j in range(len(cohort)):
            if time[i] < tau and earlier(event, time, i, j):
                weight = followed_until(cohort, time[i]) ** -2
                good, everything = good + weight * point(risk[i], risk[j]), everything + weight
    return good / everything if everything else np.nan


def auc(cohort: Outcome, risk, t: float) -> float:
    good = everything = 0.0
    for i in range(len(cohort)):
        for j in range(len(cohort)):
            if cohort.event[i] and cohort.time_days[i] <= t < cohort.time_days[j]:
                weight = 1 / followed_until(cohort, cohort.time_days[i])
                good, everything = good + weight * point(risk[i], risk[j]), everything + weight
    return good / everything if everything else np.nan


def brier(cohort: Outcome, survival, t: float) -> float:
    losses = []
    for event, time, predicted in zip(cohort.event, cohort.time_days, survival, strict=True):
        if time <= t:
            losses.append(predicted**2 / followed_until(cohort, time) if event else 0.0)
        else:
            losses.append((1 - predicted) ** 2 / followed_beyond(cohort, t))
    return float(np.mean(losses))


def mean_concordance(folds) -> float:
    """Of the folds of each repeat, then of the repeats; a fold without a pair is left out."""
    repeats = {}
    for fold in folds:
        score = concordance(fold.test.event, fold.test.time_days, fold.risk)
        repeats.setdefault(fold.repeat, []).append(score)
    return float(np.mean([np.nanmean(scores) for scores in repeats.values()]))


def same_survival(train, test, times_days) -> np.ndarray:
    """(n, times): the training patients' Kaplan-Meier estimate for everybody."""
    curve = KaplanMeierFitter().fit(train.time_days, train.event).survival_function_at_times(times_days)
    return np.tile(curve.to_numpy(float), (len(test), 1))
