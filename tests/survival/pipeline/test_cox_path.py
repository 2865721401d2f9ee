from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.cox_path import cox_path, penalty_grid, steepest
from hnseg.survival.pipeline.partial_likelihood import RiskSets


def standardised(cohort: Callable[..., tuple], *shape: int, days: int = 1):
    features, outcome = cohort(*shape, days=days)
    x = features.to_numpy()
    x[:, 2:] += 0.8 * x[:, 1:-1]
    return (x - x.mean(axis=0)) / x.std(axis=0), outcome


@pytest.mark.parametrize(("shape", "days"), [((90, 12), 1), ((90, 12), 60), ((60, 100), 30)])
def test_every_penalty_meets_the_conditions_of_optimality(
    cohort: Callable[..., tuple], shape: tuple[int, int], days: int
) -> None:
    x, outcome = standardised(cohort, *shape, days=days)
    sets = RiskSets.of(outcome)
    penalties = penalty_grid(x, sets, 30)
    path = cox_path(x, sets, penalties)
    for penalty, b in zip(penalties, path, strict=True):
        slope = -sets.gradient(x, x @ b)
        assert np.abs(slope[b == 0]).max(initial=0) <= penalty * (1 + 1e-6)
        np.testing.assert_allclose(slope[b != 0], -penalty * np.sign(b[b != 0]), rtol=1e-6)
    assert not path[0].any()
    assert path[1].any()


@pytest.mark.parametrize("days", [1, 60])
def test_the_path_is_that_of_scikit_survival(cohort: Callable[..., tuple], days: int) -> None:
    coxnet = pytest.importorskip("sksurv.linear_model").CoxnetSurvivalAnalysis
    surv = pytest.importorskip("sksurv.util").Surv
    x, outcome = standardised(cohort, 80, 100, days=days)
    sets = RiskSets.of(outcome)
    penalties = penalty_grid(x, sets, 20)
    oracle = coxnet(alphas=penalties, l1_ratio=1.0, tol=1e-12, max_iter=1_000_000)
    oracle.fit(x, surv.from_arrays(outcome.event, outcome.time_days))
    np.testing.assert_allclose(cox_path(x, sets, penalties), oracle.coef_.T, atol=1e-4)


def test_a_general_optimiser_finds_the_same_minimum(cohort: Callable[..., tuple]) -> None:
    x, outcome = standardised(cohort, 60, 6)
    sets, penalty = RiskSets.of(outcome), 0.05

    def objective(parts: np.ndarray) -> tuple[float, np.ndarray]:
        b = parts[:6] - parts[6:]
        slope = -sets.gradient(x, x @ b)
        return penalty * parts.sum() - sets.log_likelihood(x @ b), np.r_[penalty + slope, penalty - slope]

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000}
    found = minimize(objective, np.zeros(12), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 12, options=options).x
    b = cox_path(x, sets, np.array([penalty]))[0]
    np.testing.assert_allclose(b, found[:6] - found[6:], atol=1e-5)
    assert 0 < (b != 0).sum() < 6


def test_warm_starts_change_nothing(cohort: Callable[..., tuple]) -> None:
    x, outcome = standardised(cohort, 70, 30)
    sets = RiskSets.of(outcome)
    penalties = penalty_grid(x, sets, 25)
    np.testing.assert_allclose(cox_path(x, sets, penalties[-1:])[0], cox_path(x, sets, penalties)[-1], atol=1e-6)


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_many_near_copies_from_a_cold_start_converge(seed: int) -> None:
    # Newton's step takes some of the features that enter at once the wrong way; held in, they stop it on these
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(80, 3))
    x = causes @ rng.normal(size=(3, 100)) + 0.3 * rng.normal(size=(80, 100))
    event, time_days = rng.random(80) < 0.5, np.ceil(rng.exponential(100 * np.exp(-causes[:, 0])))
    outcome = Outcome(tuple(map(str, range(80))), event, time_days)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    sets = RiskSets.of(outcome)
    penalty = penalty_grid(x, sets, 2)[-1:]
    b = cox_path(x, sets, penalty)[0]
    assert np.abs(steepest(-sets.gradient(x, x @ b), b, penalty[0])).max() < 1e-6 * penalty[0]


def test_copies_of_a_feature_and_separation_are_survived(cohort: Callable[..., tuple]) -> None:
    x, outcome = standardised(cohort, 60, 6)
    twice = np.c_[x, x[:, :3], -outcome.time_days / outcome.time_days.std()]
    sets = RiskSets.of(outcome)
    path = cox_path(twice, sets, penalty_grid(twice, sets, 30))
    assert np.isfinite(path).all()
    assert path[-1, -1] > 0


def test_the_subgradient_by_hand() -> None:
    slope = np.array([0.5, -3.0, 1.0, -1.0])
    np.testing.assert_array_equal(steepest(slope, np.array([0, 0, 2.0, -2.0]), 1.0), [0, -2.0, 2.0, -2.0])


def test_grid_ends_earlier_with_more_features_than_patients(cohort: Callable[..., tuple]) -> None:
    for features, share in ((10, 0.01), (50, 0.05)):
        x, outcome = standardised(cohort, 40, features)
        penalties = penalty_grid(x, RiskSets.of(outcome), 5)
        assert penalties[-1] / penalties[0] == pytest.approx(share)
