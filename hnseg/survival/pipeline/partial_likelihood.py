"""Cox's partial likelihood with its derivatives, ties as Breslow has them.

Breslow 1972, in the discussion of Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x: every event of a time sees the
whole risk set of that time. Everything is by patient: sums are divided by their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome

Array = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Who is at risk when. Patients are in falling order of time, so that a risk set is everybody up to a place.

    Attributes:
        order: (n,) places of the patients, latest first.
        events: (events,) places in ``order`` of those with an event.
        last: (events,) the place in ``order`` of the last patient that is at risk at each event.
    """

    order: Places
    events: Places
    last: Places

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The risk sets of an outcome."""
        order = np.argsort(-outcome.time_days, kind="stable")
        time = outcome.time_days[order]
        events = np.flatnonzero(outcome.event[order])
        return cls(order, events, np.searchsorted(-time, -time[events], side="right") - 1)

    def log_likelihood(self, predictor: Array) -> float:
        """The log partial likelihood a patient, of (n,) linear predictors in the outcome's order."""
        eta = predictor[self.order]
        at_risk = np.logaddexp.accumulate(eta)
        return float((eta[self.events] - at_risk[self.last]).sum() / len(eta))

    def gradient(self, x: Array, predictor: Array) -> Array:
        """(p,) its gradient by the coefficients of (n, p) features."""
        eta = predictor[self.order]
        residuals = -np.exp(eta) * self._hazard(eta)
        residuals[self.events] += 1
        gradient: Array = x[self.order].T @ residuals / len(eta)
        return gradient

    def information(self, x: Array, predictor: Array) -> Array:
        """(p, p) its negative Hessian: the covariance of the features in each risk set, over events."""
        eta, rows = predictor[self.order], x[self.order]
        weights = np.exp(eta)[:, None] * rows
        means = np.cumsum(weights, axis=0)[self.last] / np.exp(np.logaddexp.accumulate(eta)[self.last])[:, None]
        information: Array = (rows.T @ (weights * self._hazard(eta)[:, None]) - means.T @ means) / len(eta)
        return information

    def _hazard(self, eta: Array) -> Array:
        """(n,) the sum over events at which a patient is at risk of 1 / (sum of hazards at risk)."""
        steps = np.exp(-np.logaddexp.accumulate(eta)[self.last])
        per_place = np.bincount(self.last, steps, len(eta)).astype(np.float64)
        return np.cumsum(per_place[::-1])[::-1]
