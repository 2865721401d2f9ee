"""How long patients stay in follow-up: what weights of inverse probability of censoring are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnseg.survival.objects import Outcome

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CensoringSurvival:
    """G(t): the probability that follow-up goes on beyond t, a step function.

    Attributes:
        times: (k,) ascending, all at which anybody left, by an event or without.
        values: (k,) G at and after each of them, until the next.
    """

    times: Floats
    values: Floats

    @property
    def last(self) -> float:
        """The last time at which anybody left; nothing is known of follow-up after it."""
        return float(self.times[-1]) if len(self.times) else -np.inf

    def at(self, times: ArrayLike) -> Floats:
        """(n,) P(C > t), which those who are still under observation at t are divided by; NaN after the last time."""
        return self._step(np.asarray(times, float), "right")

    def before(self, times: ArrayLike) -> Floats:
        """(n,) P(C >= t), which those who have the event at t are divided by; NaN after the last time.

        An event is seen where follow-up lasts until it, so those whose follow-up ends on the same day do not count yet.
        Up to the last time it is above 0.
        """
        return self._step(np.asarray(times, float), "left")

    def _step(self, times: Floats, side: str) -> Floats:
        values = np.concatenate([[1.0], self.values])
        steps = np.searchsorted(self.times, times, side="right" if side == "right" else "left")
        return np.where(times <= self.last, values[steps], np.nan)


def censoring_survival(outcome: Outcome) -> CensoringSurvival:
    """Kaplan-Meier estimate of the time to the end of follow-up.

    Where somebody has the event on the day on which another one's follow-up ends, the event came first: those with it
    are no longer at risk of leaving without it.

    Args:
        outcome: of the patients scored. To weigh them is scoring and no fitting, and the follow-up of others, such as
            another centre's, says nothing of theirs.
    """
    times, group = np.unique(outcome.time_days, return_inverse=True)
    events = np.bincount(group, weights=outcome.event, minlength=len(times))
    everybody = np.bincount(group, minlength=len(times))
    ended = everybody - events
    at_risk = len(outcome) - np.concatenate([[0], np.cumsum(everybody)[:-1]]) - events
    hazard = np.divide(ended, at_risk, out=np.zeros(len(times)), where=ended > 0)
    return CensoringSurvival(times, np.cumprod(1 - hazard))
