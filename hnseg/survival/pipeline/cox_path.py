"""The path of L1-penalised Cox regressions: from the penalty that leaves nothing down to a small one.

Simon, Friedman, Hastie & Tibshirani 2011, doi:10.18637/jss.v039.i05: what is minimised, the grid and warm starts are
theirs. Their coordinate descent is replaced by Newton steps within an orthant (as Andrew & Gao 2007,
doi:10.1145/1273496.1273501, with the exact Hessian of the few active features), which in numpy are much faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from hnseg.survival.pipeline.partial_likelihood import RiskSets

Array = NDArray[np.float64]

TOLERANCE = 1e-7
"""Largest violation of the conditions of optimality, as a share of the penalty."""
_MOST_STEPS = 200
_ARMIJO = 1e-4
_RIDGE = 1e-9
_ROUNDING = 1e-13


def penalty_grid(x: Array, risk_sets: RiskSets, count: int) -> Array:
    """(count,) falling penalties, evenly in the logarithm, from the smallest that leaves no feature.

    They end at a twentieth of it with more features than patients, else at a hundredth.
    """
    largest = max(np.abs(risk_sets.gradient(x, np.zeros(len(x)))).max(), np.finfo(np.float64).tiny)
    return np.geomspace(largest, largest * (0.05 if x.shape[1] > len(x) else 0.01), count)


def cox_path(x: Array, risk_sets: RiskSets, penalties: Array) -> Array:
    """(penalties, p) minimisers of -log partial likelihood / n + penalty * sum of absolute coefficients.

    Args:
        x: (n, p) standardised features.
        risk_sets: of the same patients.
        penalties: falling, above 0.
    """
    coefficients = np.zeros((len(penalties), x.shape[1]))
    latest = np.zeros(x.shape[1])
    for row, penalty in zip(coefficients, penalties, strict=True):
        row[:] = latest = _minimise(x, risk_sets, penalty, latest)
    return coefficients


def _minimise(x: Array, risk_sets: RiskSets, penalty: float, start: Array) -> Array:
    b = start
    for _ in range(_MOST_STEPS):
        predictor = x @ b
        slope = steepest(-risk_sets.gradient(x, predictor), b, penalty)
        if np.abs(slope).max() <= TOLERANCE * penalty:
            break
        orthant = np.where(b != 0, np.sign(b), -np.sign(slope))
        step = _newton(x, risk_sets, predictor, b, slope, orthant)
        following = _search(x, risk_sets, penalty, b, step, slope, orthant)
        if following is None:
            break
        b = following
    return b


def steepest(gradient: Array, b: Array, penalty: float) -> Array:
    """(p,) the subgradient of the penalised objective that is nearest to 0; all 0 at the minimum.

    Args:
        gradient: (p,) of the negative log-likelihood at ``b``.
    """
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - penalty, 0)
    return np.where(b != 0, gradient + penalty * np.sign(b), at_zero)


def _newton(x: Array, risk_sets: RiskSets, predictor: Array, b: Array, slope: Array, orthant: Array) -> Array:
    """The Newton step of the active features; those at 0 that it would take out of the orthant stay there."""
    active = np.flatnonzero(orthant)
    information = risk_sets.information(x[:, active], predictor)
    information[np.diag_indices_from(information)] += _RIDGE + _RIDGE * np.diag(information)
    while True:
        part = solve(information, -slope[active], assume_a="pos", check_finite=False)
        stays = (b[active] != 0) | (part * orthant[active] > 0)
        if stays.all():
            break
        active, information = active[stays], information[np.ix_(stays, stays)]
    step = np.zeros_like(b)
    step[active] = part
    return step


def _search(
    x: Array, risk_sets: RiskSets, penalty: float, b: Array, step: Array, slope: Array, orthant: Array
) -> Array | None:
    """The first halved step, cut at the borders of the orthant, that descends enough; None: none does.

    Near the minimum the descent is below what rounding lets one see, so a rise by rounding counts as none.
    """

    def objective(at: Array) -> float:
        return penalty * float(np.abs(at).sum()) - risk_sets.log_likelihood(x @ at)

    here = objective(b) + _ROUNDING
    for halvings in range(40):
        there = b + step / 2**halvings
        there[there * orthant < 0] = 0.0
        if objective(there) <= here + _ARMIJO * float(slope @ (there - b)):
            return there
    return None
