from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from lifelines import CoxPHFitter
from numpy.typing import NDArray
from scipy.optimize import approx_fprime

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.partial_likelihood import RiskSets


def naive(predictor: NDArray[np.float64], outcome: Outcome) -> float:
    total = 0.0
    for patient in range(len(outcome)):
        if outcome.event[patient]:
            at_risk = outcome.time_days >= outcome.time_days[patient]
            total += predictor[patient] - np.log(np.exp(predictor[at_risk]).sum())
    return total / len(outcome)


@pytest.mark.parametrize("days", [1, 60])
def test_pair_by_pair_with_and_without_ties(cohort: Callable[..., tuple], days: int) -> None:
    features, outcome = cohort(50, 4, days=days)
    assert (len(np.unique(outcome.time_days)) < 25) == (days > 1)
    b = np.array([0.5, -1.0, 0.2, 3.0])
    x, sets = features.to_numpy(), RiskSets.of(outcome)
    assert sets.log_likelihood(x @ b) == pytest.approx(naive(x @ b, outcome))
    slope = approx_fprime(b, lambda at: naive(x @ at, outcome), 1e-6)
    np.testing.assert_allclose(sets.gradient(x, x @ b), slope, atol=1e-5)
    curvature = [approx_fprime(b, lambda at, j=j: sets.gradient(x, x @ at)[j], 1e-6) for j in range(4)]
    np.testing.assert_allclose(sets.information(x, x @ b), -np.array(curvature), atol=1e-5)


def test_by_hand_with_a_tie() -> None:
    # events of a and b on day 5, c is censored that day and at risk, d later: both see all four
    outcome = Outcome(tuple("abcd"), np.array([True, True, False, False]), np.array([5.0, 5, 5, 9]))
    risk_sets, eta = RiskSets.of(outcome), np.log([1.0, 2.0, 3.0, 4.0])
    assert risk_sets.log_likelihood(eta) == pytest.approx((np.log(1 / 10) + np.log(2 / 10)) / 4)
    # of a column that marks d: each of two events takes away its share of the hazard, 4 / 10
    assert risk_sets.gradient(np.array([[0.0], [0], [0], [1]]), eta) == pytest.approx(-2 * 0.4 / 4)


def test_agrees_with_lifelines_and_a_common_shift_changes_nothing(cohort: Callable[..., tuple]) -> None:
    features, outcome = cohort(80, 3)
    outcome = replace(outcome, time_days=outcome.time_days + np.arange(80) / 1000)  # lifelines breaks ties otherwise
    fitted = CoxPHFitter().fit(features.assign(t=outcome.time_days, e=outcome.event), "t", "e")
    predictor = features.to_numpy() @ fitted.params_.to_numpy()
    sets = RiskSets.of(outcome)
    assert sets.log_likelihood(predictor) * 80 == pytest.approx(fitted.log_likelihood_)
    assert sets.log_likelihood(predictor + 5) == pytest.approx(sets.log_likelihood(predictor))
    assert np.abs(sets.gradient(features.to_numpy(), predictor)).max() < 1e-6


def test_huge_predictors_overflow_nothing(cohort: Callable[..., tuple]) -> None:
    _, outcome = cohort(30)
    assert np.isfinite(RiskSets.of(outcome).log_likelihood(np.linspace(-3000, 3000, 30)))
