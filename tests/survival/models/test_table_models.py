"""What holds for the forest and both networks."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.base import clone

from hnseg.survival.models.deephit import DeepHit
from hnseg.survival.models.deepsurv import DeepSurv
from hnseg.survival.models.forest import RandomSurvivalForest
from hnseg.survival.plain_state import read_state, write_state
from hnseg.survival.sentinel import LeakError
from hnseg.survival.statistics import concordance
from tests.survival.models.simulated import cohort, fitted

MODELS = {
    "rsf": lambda seed=0: RandomSurvivalForest(trees=20, min_leaf=5, seed=seed),
    "deepsurv": lambda seed=0: DeepSurv(seed=seed),
    "deephit": lambda seed=0: DeepHit(sigma=1.0, seed=seed),
}
NETWORKS = ("deepsurv", "deephit")
TABLE, OUTCOME = cohort()
NEW, THEIRS = cohort(seed=1)
DAYS = np.array([0.0, 30.0, 365.0, 730.0, 5000.0])

every_model = pytest.mark.parametrize("name", MODELS)


@cache
def made(name, seed=0):
    return fitted(MODELS[name](seed), TABLE, OUTCOME)


def quick(name):
    """For tables on which nothing is to be learned."""
    return MODELS[name]().set_params(**({"trees": 3} if name == "rsf" else {"epochs": 2}))


@every_model
def test_it_ranks_patients_that_it_was_not_fitted_on(name):
    assert concordance(THEIRS.event, THEIRS.time_days, made(name).risk(NEW)) > 0.7


@every_model
def test_survival_starts_at_1_falls_and_orders_as_risk_does(name):
    survival, risk = made(name).survival(NEW, DAYS), made(name).risk(NEW)
    assert (survival[:, 0] == 1).all()
    assert (np.diff(survival, axis=1) <= 0).all()
    assert survival.min() >= 0
    assert np.corrcoef(risk, survival[:, 2])[0, 1] < -0.6


@every_model
def test_the_same_seed_gives_the_same_bits_and_another_does_not(name):
    risk = made(name).risk(NEW)
    again = fitted(clone(made(name)), TABLE, OUTCOME)
    assert (again.risk(NEW) == risk).all()
    assert (again.survival(NEW, DAYS) == made(name).survival(NEW, DAYS)).all()
    assert (made(name, seed=1).risk(NEW) != risk).any()


@pytest.mark.parametrize("name", NETWORKS)
def test_how_many_threads_there_are_changes_no_bit(name):
    wide, outcome = cohort(150, features=45)
    before, risks = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            risks.append(fitted(quick(name), wide, outcome).risk(wide))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert (risks[0] == risks[1]).all()


@every_model
def test_a_prediction_is_of_one_patient_whoever_else_is_asked_for(name):
    alone = made(name).risk(NEW.iloc[3:4][NEW.columns[::-1]])
    np.testing.assert_allclose(alone, made(name).risk(NEW)[3:4], rtol=1e-12)


@every_model
def test_importances_tell_what_matters(name):
    table = made(name).importances()
    assert list(table.columns) == ["feature", "value", "low", "high", "kind"]
    assert list(table["feature"]) == list(TABLE.columns)
    assert set(table.nlargest(2, "value")["feature"]) == {"f0", "f1"}


@every_model
def test_a_saved_state_is_the_same_model(name, tmp_path):
    write_state(tmp_path, made(name).to_plain())
    again = type(made(name)).from_plain(read_state(tmp_path))
    assert (again.risk(NEW) == made(name).risk(NEW)).all()
    assert (again.survival(NEW, DAYS) == made(name).survival(NEW, DAYS)).all()
    assert again.importances().equals(made(name).importances())
    assert again.get_params() == made(name).get_params()


@every_model
def test_fitting_again_forgets_the_importances_of_before(name):
    model = fitted(quick(name), TABLE, OUTCOME)
    model.importances()
    fitted(model, TABLE[["f3", "f0"]], OUTCOME)
    assert list(model.importances()["feature"]) == ["f3", "f0"]


@every_model
def test_nothing_is_fitted_outside_of_training_rows(name):
    with pytest.raises(LeakError):
        MODELS[name]().fit(TABLE, OUTCOME)


@every_model
def test_constant_features_give_everybody_the_same_risk(name):
    model = fitted(quick(name), TABLE * 0 + 3, OUTCOME)
    assert np.ptp(model.risk(TABLE * 0 + 3)) == 0
    assert (model.importances()["value"] == 0).all()
    assert np.isfinite(model.survival(TABLE * 0 + 3, DAYS)).all()


@every_model
@pytest.mark.parametrize("patients", [3, 4, 7, 51])
def test_a_few_patients_and_one_feature_are_enough(name, patients):
    table, outcome = cohort(patients, features=1)
    outcome.event[:2] = True
    model = fitted(quick(name), table, outcome)
    assert np.isfinite(model.risk(table)).all()
    assert np.isfinite(model.survival(table, DAYS)).all()
    model.from_plain(model.to_plain())


@every_model
def test_without_events_there_is_nothing_to_fit(name):
    table, outcome = cohort(20)
    outcome.event[:] = False
    with pytest.raises(ValueError, match="the event was seen in 0 of 20 training patients"):
        fitted(MODELS[name](), table, outcome)


@every_model
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kind", "Cox regression", "not the saved state"),
        ("extra", 1, "too much"),
        ("columns", ["f0", "f0", "f2", "f3", "f4"], "each once"),
        ("columns", ["f0"], "shape"),
        ("importances", np.full((5, 3), np.nan), "finite"),
        ("importances", np.zeros((5, 2)), "shape"),
        ("parameters", {}, "mapping with"),
        ("parameters", {"seed": "0"}, "mapping with"),
    ],
)
def test_a_state_that_is_none_is_refused(name, key, value, message):
    with pytest.raises(ValueError, match=message):
        type(made(name)).from_plain({**made(name).to_plain(), key: value})


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("hidden", [10**12, 33, 0, -1])
def test_a_width_that_the_weights_do_not_have_is_refused_before_it_takes_memory(name, hidden):
    plain = made(name).to_plain()
    plain["parameters"] = {**plain["parameters"], "hidden": hidden}
    with pytest.raises(ValueError, match=r"hidden|first layer"):
        type(made(name)).from_plain(plain)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_with_which_nothing_is_fitted_are_not_read_either(name):
    plain = made(name).to_plain()
    plain["parameters"] = {**plain["parameters"], "epochs": 0}
    with pytest.raises(ValueError, match=r"epochs of .* must be at least 1"):
        type(made(name)).from_plain(plain)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("weights", [None, {}, {"0.weight": np.zeros((32, 5))}])
def test_weights_that_are_none_are_refused(name, weights):
    with pytest.raises(ValueError, match="weights"):
        type(made(name)).from_plain({**made(name).to_plain(), "weights": weights})
