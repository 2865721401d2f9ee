import sys

import numpy as np
import pytest
from sksurv.ensemble import RandomSurvivalForest as Theirs
from sksurv.util import Surv

from hnseg.survival.models.forest import RandomSurvivalForest
from tests.survival.models.simulated import cohort, fitted

TABLE, OUTCOME = cohort()
NEW, _ = cohort(seed=1)


def theirs(model, table=TABLE, outcome=OUTCOME):
    forest = Theirs(
        n_estimators=model.trees,
        min_samples_split=model.min_split,
        min_samples_leaf=model.min_leaf,
        max_features="sqrt",
        random_state=model.seed,
    )
    return forest.fit(table.to_numpy(), Surv.from_arrays(outcome.event, outcome.time_days))


@pytest.mark.parametrize("parameters", [{"trees": 10}, {"trees": 20, "min_split": 4, "min_leaf": 2, "seed": 3}])
def test_predictions_are_scikit_survivals(parameters):
    model = fitted(RandomSurvivalForest(**parameters), TABLE, OUTCOME)
    forest = theirs(model)
    # values on a threshold, as a table of counts has them
    rounded = NEW.round(1)
    for table in (TABLE, NEW, rounded):
        np.testing.assert_allclose(model.risk(table), forest.predict(table.to_numpy()), rtol=1e-9)
        functions = forest.predict_survival_function(table.to_numpy())
        days = np.concatenate([forest.unique_times_, forest.unique_times_[:-1] + 0.5])
        expected = np.array([function(days) for function in functions])
        np.testing.assert_allclose(model.survival(table, days), expected, rtol=1e-9, atol=1e-12)


def test_thresholds_between_close_values_are_walked_as_by_scikit_survival():
    close = TABLE.assign(f0=1 + 1e-7 * np.arange(len(TABLE)))
    model = fitted(RandomSurvivalForest(trees=10), close, OUTCOME)
    np.testing.assert_allclose(model.risk(close), theirs(model, close).predict(close.to_numpy()), rtol=1e-9)


def test_a_saved_forest_predicts_without_scikit_survival(monkeypatch):
    model = fitted(RandomSurvivalForest(trees=5), TABLE, OUTCOME)
    plain, risk = model.to_plain(), model.risk(NEW)
    for name in [name for name in sys.modules if name.split(".")[0] == "sksurv"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "sksurv", None)
    again = RandomSurvivalForest.from_plain(plain)
    assert (again.risk(NEW) == risk).all()
    with pytest.raises(ValueError, match=r"install hnseg\[forest\]"):
        fitted(RandomSurvivalForest(), TABLE, OUTCOME)


def test_trees_that_ask_for_a_feature_that_there_is_not_are_refused():
    plain = fitted(RandomSurvivalForest(trees=5), TABLE, OUTCOME).to_plain()
    plain["columns"], plain["importances"] = plain["columns"][:1], plain["importances"][:1]
    with pytest.raises(ValueError, match="from 0 to 0"):
        RandomSurvivalForest.from_plain(plain)
