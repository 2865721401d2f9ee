import numpy as np
import pytest
import torch

from hnseg.survival.losses import deephit_loss, interval_likelihood
from hnseg.survival.models import networks
from hnseg.survival.models.deephit import DeepHit, bin_ends, bins_survived
from tests.survival.models.simulated import cohort, fitted

TABLE, OUTCOME = cohort(60)


@pytest.fixture(scope="module")
def model():
    return fitted(DeepHit(epochs=5, bins=4), TABLE, OUTCOME)


def test_bins_end_with_events_and_hold_about_as_many():
    assert bin_ends(np.arange(1.0, 13.0), 4).tolist() == [3, 6, 9, 12]
    assert bin_ends(np.array([5.0, 5.0, 5.0, 8.0]), 4).tolist() == [5, 8]
    assert bin_ends(np.array([5.0]), 10).tolist() == [5]


def test_an_event_is_in_the_bin_that_ends_with_it_and_who_left_passed_whole_bins_only():
    ends, days = np.array([10.0, 20.0]), np.array([1.0, 10.0, 10.5, 20.0, 25.0])
    assert bins_survived(ends, np.ones(5, dtype=bool), days)[:4].tolist() == [0, 0, 1, 1]
    assert bins_survived(ends, np.zeros(5, dtype=bool), days).tolist() == [0, 1, 1, 2, 2]


def test_survival_is_straight_between_the_ends_of_bins(model):
    first, last = model.ends_days_[0], model.ends_days_[-1]
    found = model.survival(TABLE, np.array([0, first / 2, first, last, 2 * last]))
    assert (found[:, 0] == 1).all()
    np.testing.assert_allclose(found[:, 1], (1 + found[:, 2]) / 2)
    assert (found[:, 3] == found[:, 4]).all()
    logits = model._outputs(TABLE.to_numpy())
    beyond = np.exp(logits[:, -1]) / np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(found[:, 3], beyond)


def test_risk_is_minus_the_area_under_survival(model):
    days = np.linspace(0, model.ends_days_[-1], 20_001)
    np.testing.assert_allclose(-model.risk(TABLE), np.trapezoid(model.survival(TABLE, days), days), rtol=1e-6)


def test_the_best_epoch_is_that_of_the_likelihood_alone(monkeypatch):
    given = []
    monkeypatch.setattr(networks, "train", lambda _net, loss, score, *_rest: given.extend([loss, score]))
    fitted(DeepHit(), TABLE, OUTCOME)
    loss, score = given
    outputs = torch.tensor([[2.0, 0, 0], [0, 1, 0]]), torch.tensor([1.0, 1]), torch.tensor([1, 1])
    assert score(*outputs) == interval_likelihood(*outputs)
    assert loss(*outputs) == deephit_loss(*outputs, 0.2, 0.1)


@pytest.mark.parametrize("parameters", [{"alpha": 1.5}, {"sigma": 0.0}, {"bins": 0}, {"lr": 0.0}, {"batch": 1}])
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(ValueError, match="DeepHit"):
        fitted(DeepHit(**parameters), TABLE, OUTCOME)


def test_as_many_bins_as_the_weights_have_outputs(model):
    plain = model.to_plain()
    plain["ends_days"] = plain["ends_days"][:-1]
    with pytest.raises(ValueError, match="shape"):
        DeepHit.from_plain(plain)
