from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hnseg.survival.models.cox import CoxPH
from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.sentinel import LeakError, training_rows
from hnseg.survival.statistics import concordance_counts
from hnseg.survival.tuning import inner_parts, tune
from tests.survival.cohorts import FailingModel, PeekingModel, QuickModel, register, toy


@pytest.fixture
def prepared():
    data = toy(45)
    table = data.blocks["ct"].assign(age=[data.log_hazard[name] for name in data.patients])
    with training_rows(data.patients):
        yield table, data.outcome, inner_parts(table, data.outcome, 3, 7, None)


def test_inner_folds_test_everybody_once_and_share_out_events(prepared):
    table, _, parts = prepared
    tested = [name for part in parts for name in part.test_outcome.patients]
    assert sorted(tested) == sorted(table.index)
    events = [int(part.test_outcome.event.sum()) for part in parts]
    assert max(events) - min(events) <= 1
    for part in parts:
        assert set(part.fit_outcome.patients) == set(table.index) - set(part.test_outcome.patients)
        assert list(part.fit_features.index) == list(part.fit_outcome.patients)


def test_the_seed_deals_inner_folds_anew(prepared):
    table, outcome, parts = prepared
    again, other = (inner_parts(table, outcome, 3, seed, None) for seed in (7, 8))
    assert [part.test_outcome.patients for part in again] == [part.test_outcome.patients for part in parts]
    assert [part.test_outcome.patients for part in other] != [part.test_outcome.patients for part in parts]


def test_preprocessing_is_fitted_to_each_inner_training_part_alone(prepared):
    table, outcome, _ = prepared
    parts = inner_parts(table * 3 + 5, outcome, 3, 7, lambda: Preprocessing(selection="none"))
    for part in parts:
        np.testing.assert_allclose(part.fit_features.mean(), 0, atol=1e-9)
        np.testing.assert_allclose(part.fit_features.std(ddof=0), 1, atol=1e-9)
        assert abs(part.test_features.mean()).max() > 0.02  # it was not looked at


def test_an_inner_fit_on_the_outer_training_part_is_a_leak(prepared, monkeypatch):
    table, outcome, parts = prepared
    register(monkeypatch, "peeking", PeekingModel, [{"power": 1.0}, {"power": 2.0}])
    monkeypatch.setattr(PeekingModel, "everybody", (table, outcome))
    with pytest.raises(LeakError):
        tune(MODELS["peeking"], parts, 0)


def test_the_greatest_pooled_c_index_wins_and_of_equal_ones_the_first(prepared, monkeypatch):
    _, _, parts = prepared
    grid = [{"power": -1.0}, {"power": 0.0}, {"power": 0.5}, {"power": 2.0}]  # reversed, none, right, right
    register(monkeypatch, "quick", QuickModel, grid)
    assert tune(MODELS["quick"], parts, 0) == {"power": 0.5}


def test_the_score_pools_pairs_within_inner_folds(monkeypatch):
    class Chosen(QuickModel):
        def fit(self, features, outcome):
            return self

        def risk(self, features):
            return features["good" if self.power == 1 else "other"].to_numpy()

    names = tuple(f"P{number}" for number in range(30))
    rng = np.random.default_rng(1)
    time, event = rng.permutation(30) + 1.0, rng.random(30) < 0.6
    table = pd.DataFrame({"good": rng.normal(size=30), "other": rng.normal(size=30)}, names)
    outcome = Outcome(names, event, time)
    register(monkeypatch, "chosen", Chosen, [{"power": 1.0}, {"power": 2.0}])
    with training_rows(names):
        parts = inner_parts(table, outcome, 4, 0, None)
        found = tune(MODELS["chosen"], parts, 0)
    scores = []
    for column in ("good", "other"):
        counts = [
            concordance_counts(part.test_outcome.event, part.test_outcome.time_days, part.test_features[column])
            for part in parts
        ]
        scores.append(sum(c.concordant + c.tied / 2 for c in counts) / sum(c.comparable for c in counts))
    assert found == [{"power": 1.0}, {"power": 2.0}][int(np.argmax(scores))]


def test_a_log_hazard_is_judged_by_the_partial_likelihood_of_all_less_that_of_those_fitted_to(monkeypatch):
    """A naive second version: a loop over events."""
    data = toy(45, seed=1)
    table, outcome = data.blocks["ct"].assign(age=[data.log_hazard[name] for name in data.patients]), data.outcome
    with training_rows(data.patients):
        parts = inner_parts(table, outcome, 3, 7, None)
    powers = [8.0, 1.3, 1.0, 0.01]  # that of all alone would have 1.3
    register(monkeypatch, "quick", QuickModel, [{"power": power} for power in powers])

    def log_likelihood(risk, seen):
        at_risk = [np.exp(risk[seen.time_days >= time]).sum() for time in seen.time_days]
        return (risk - np.log(at_risk))[seen.event].sum()

    scores = np.zeros(len(powers))
    for number, power in enumerate(powers):
        for part in parts:
            with training_rows(part.fit_features.index):
                model = QuickModel(power).fit(part.fit_features, part.fit_outcome)
            scores[number] += log_likelihood(model.risk(table), outcome)
            scores[number] -= log_likelihood(model.risk(part.fit_features), part.fit_outcome)
    assert powers[int(np.argmax(scores))] == 1.0
    assert tune(replace(MODELS["quick"], log_hazard=True), parts, 0) == {"power": 1.0}
    assert tune(MODELS["quick"], parts, 0) == {"power": 8.0}  # the order is the same with all of them


def test_a_tuned_cox_regression_is_calibrated():
    """By C-index, which does not see the scale, the penalty of 1 would be chosen, and the slope be 2.8."""
    beta = np.array([0.8, -0.5, 0.3, 0.0, 0.0, 0.0])

    def simulated(patients, seed):
        rng = np.random.default_rng(seed)
        names = tuple(f"s{seed}p{number}" for number in range(patients))
        table = pd.DataFrame(rng.normal(size=(patients, 6)), names, [f"x{number}" for number in range(6)])
        days, end = rng.exponential(1000 * np.exp(-table.to_numpy() @ beta)), rng.uniform(200, 3000, patients)
        return table, Outcome(names, days <= end, np.minimum(days, end))

    (train, seen), (new, truth) = simulated(150, 3), simulated(1000, 103)
    with training_rows(train.index):
        kind = replace(MODELS["cox"], grid=[*MODELS["cox"].grid, {"penalizer": 1.0}])
        parameters = tune(kind, inner_parts(train, seen, 3, 3, None), 0)
        risk = MODELS["cox"].make(0, **parameters).fit(train, seen).risk(new)
    with training_rows(new.index):
        fitted = CoxPH().fit(pd.DataFrame({"risk": risk}, new.index), truth)
    assert 0.7 < fitted.coefficients_[0] / fitted.scale_[0] < 1.5


def test_nothing_is_fitted_where_there_is_no_choice(prepared, monkeypatch):
    register(monkeypatch, "failing", FailingModel, [{"power": 3.0}])
    assert tune(MODELS["failing"], prepared[2], 0) == {"power": 3.0}


def test_hyper_parameters_that_fail_are_passed_over(prepared, monkeypatch):
    class Moody(QuickModel):
        def fit(self, features, outcome):
            if self.power > 1:
                raise ValueError("too much power")
            return super().fit(features, outcome)

    register(monkeypatch, "moody", Moody, [{"power": 2.0}, {"power": 1.0}])
    assert tune(MODELS["moody"], prepared[2], 0) == {"power": 1.0}
    register(monkeypatch, "moody", Moody, [{"power": 2.0}, {"power": 3.0}])
    with pytest.raises(ValueError, match=r"no hyper-parameters of the grid work.*too much power"):
        tune(MODELS["moody"], prepared[2], 0)
