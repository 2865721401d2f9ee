from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest

from hnseg.survival import sentinel
from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline import cox_lasso
from hnseg.survival.pipeline.cox_lasso import CoxLasso, deal
from hnseg.survival.pipeline.scale import Standardiser

pytestmark = pytest.mark.usefixtures("all_training")
Maker = Callable[..., tuple[pd.DataFrame, Outcome]]


def test_what_drives_the_outcome_is_found_among_much_that_does_not(cohort: Maker) -> None:
    features, outcome = cohort(150, 60)
    fitted = CoxLasso().fit(features, outcome)
    values = dict(zip(fitted.kept_, fitted.values_, strict=True))
    assert values["f0"] > 0.5
    assert values["f1"] < -0.5
    assert max(abs(value) for name, value in values.items() if name not in ("f0", "f1")) < 0.25
    assert len(fitted.kept_) < 25
    assert set(fitted.kept_) | set(fitted.dropped_) == set(features)
    assert list(fitted.transform(features).columns) == fitted.kept_


def naive_log_likelihood(predictor: np.ndarray, outcome: Outcome, rows: np.ndarray) -> float:
    total = 0.0
    for row in rows:
        if outcome.event[row]:
            at_risk = rows[outcome.time_days[rows] >= outcome.time_days[row]]
            total += predictor[row] - np.log(np.exp(predictor[at_risk]).sum())
    return total


def test_the_score_of_a_penalty_is_the_cross_validated_partial_likelihood(cohort: Maker) -> None:
    coxnet = pytest.importorskip("sksurv.linear_model").CoxnetSurvivalAnalysis
    surv = pytest.importorskip("sksurv.util").Surv
    features, outcome = cohort(60, 5)
    fitted = CoxLasso(folds=3, penalties=8, seed=4).fit(features, outcome)
    everybody, fold_of = np.arange(60), deal(outcome.event, 3, 4)
    expected = np.zeros(8)
    for fold in range(3):
        train = np.flatnonzero(fold_of != fold)
        x = features.to_numpy()
        x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        oracle = coxnet(alphas=fitted.penalties_, l1_ratio=1.0, tol=1e-12)
        oracle.fit(x[train], surv.from_arrays(outcome.event[train], outcome.time_days[train]))
        for place, b in enumerate(oracle.coef_.T):
            expected[place] += naive_log_likelihood(x @ b, outcome, everybody)
            expected[place] -= naive_log_likelihood(x @ b, outcome, train)
    np.testing.assert_allclose(fitted.scores_, expected / outcome.event.sum(), atol=1e-4)
    assert fitted.penalty_ == fitted.penalties_[expected.argmax()]


def test_an_inner_fold_is_fitted_on_its_own_training_rows_only(cohort: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[str], Any]] = []

    class Watched(Standardiser):
        def fit(self, features: pd.DataFrame, outcome: Outcome | None = None) -> Self:
            seen.append((set(features.index), sentinel._ALLOWED.get()))
            return super().fit(features, outcome)

    monkeypatch.setattr(cox_lasso, "Standardiser", Watched)
    features, outcome = cohort(50, 4)
    CoxLasso().fit(features, outcome)
    (whole, _), *inner = seen
    assert whole == set(features.index)
    assert len(inner) == 5
    assert all(rows == allowed for rows, allowed in inner)
    left_out = [whole - rows for rows, _ in inner]
    assert sum(map(len, left_out)) == 50
    assert set().union(*left_out) == whole


def test_folds_are_even_in_events_and_the_seeds_alone(cohort: Maker) -> None:
    event = np.random.default_rng(0).random(53) < 0.3
    fold_of = deal(event, 5, 7)
    sizes, events = np.bincount(fold_of), np.bincount(fold_of[event])
    assert sizes.max() - sizes.min() <= 1
    assert events.max() - events.min() <= 1
    assert (deal(event, 5, 7) == fold_of).all()
    assert (deal(event, 5, 8) != fold_of).any()
    features, outcome = cohort()
    np.testing.assert_array_equal(*(CoxLasso(seed=1).fit(features, outcome).scores_ for _ in range(2)))


def test_units_and_signs_of_features_change_nothing_but_signs(cohort: Maker) -> None:
    features, outcome = cohort(80, 10)
    units = pd.Series(np.resize([1.0, -1000.0, 0.01], 10), features.columns)
    a, b = CoxLasso().fit(features, outcome), CoxLasso().fit(features * units + 5, outcome)
    assert a.kept_ == b.kept_
    np.testing.assert_allclose(b.values_, a.values_ * np.sign(units[a.kept_]), rtol=1e-4)


def test_where_nothing_is_best_something_is_kept_and_said(cohort: Maker) -> None:
    fitted = [CoxLasso().fit(*cohort(60, 10, seed=seed, effect=0.0)) for seed in range(2)]
    fallen = [selection for selection in fitted if selection.fallback_]
    assert fallen
    for selection in fallen:
        assert selection.scores_.argmax() == 0
        assert 1 <= len(selection.kept_) <= 3
        assert selection.penalty_ == selection.penalties_[1]
    found = CoxLasso().fit(*cohort())
    assert not found.fallback_


def test_few_events_and_features_that_are_constant_in_a_fold(cohort: Maker) -> None:
    features, outcome = cohort(30, 4)
    few = Outcome(outcome.patients, np.arange(30) < 2, outcome.time_days)
    rare = features.assign(rare=(np.arange(30) == 0).astype(float), same=1.0)
    fitted = CoxLasso().fit(rare, few)
    assert np.isfinite(fitted.values_).all()
    assert "same" not in fitted.kept_
    with pytest.raises(ValueError, match="1 events among 30 training patients, needs two"):
        CoxLasso().fit(features, Outcome(outcome.patients, np.arange(30) < 1, outcome.time_days))
    with pytest.raises(ValueError, match="none of 1 features varies"):
        CoxLasso().fit(rare[["same"]], few)


def test_saved_and_read_back(cohort: Maker) -> None:
    features, outcome = cohort()
    fitted = CoxLasso(seed=3).fit(features, outcome)
    back = CoxLasso.from_plain(fitted.to_plain())
    assert (back.kept_, back.columns_, back.penalty_) == (fitted.kept_, fitted.columns_, fitted.penalty_)
    assert back.values_.tolist() == fitted.values_.tolist()
    assert (back.seed, back.fallback_) == (3, False)
    for change in ({"fallback": 0}, {"penalty": "1"}, {"values": np.zeros(99)}, {"kept": ["zz"]}, {"kind": "lasso"}):
        with pytest.raises(ValueError, match="saved state"):
            CoxLasso.from_plain(fitted.to_plain() | change)
