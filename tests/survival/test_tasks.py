import json

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from hnseg.io import DiskFullError
from hnseg.survival.models.cox import CoxPH
from hnseg.survival.objects import FeatureSet
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.plan import Plan
from hnseg.survival.sentinel import LeakError, training_rows
from hnseg.survival.statistics import concordance
from hnseg.survival.tasks import Task, run_task, task_seed
from tests.survival.cohorts import FailingModel, PeekingModel, QuickModel, deal, fitted_pipeline, register, toy

DATA = toy()
FOLD = deal(DATA.patients)[1]
TABLE = DATA.features(FeatureSet.named("clinical+ct"), FOLD.name)


def run(models=("quick",), protocol="honest", **plan):
    task = Task(protocol, 0, FOLD, "clinical+ct")
    return run_task(task, TABLE, DATA.outcome, Plan(models, ("clinical", "clinical+ct"), selection="none", **plan))


@pytest.mark.parametrize("protocol", ["honest", "paper"])
def test_a_model_that_looks_at_test_patients_stops_the_experiment(monkeypatch, protocol):
    register(monkeypatch, "quick")
    register(monkeypatch, "peeking", PeekingModel)
    monkeypatch.setattr(PeekingModel, "everybody", (TABLE, DATA.outcome))
    with pytest.raises(LeakError, match="20 patients outside of the training rows"):
        run(("quick", "peeking"), protocol)


def test_a_preprocessing_that_looks_at_test_patients_stops_the_experiment(monkeypatch):
    def peek(self, features, outcome):
        return Preprocessing(selection="none").fit(TABLE, DATA.outcome)

    register(monkeypatch, "quick")
    monkeypatch.setattr("hnseg.survival.tasks.Preprocessing", type("Peeking", (Preprocessing,), {"fit": peek}))
    with pytest.raises(LeakError):
        run()


@pytest.mark.parametrize("protocol", ["honest", "paper"])
def test_who_teaches_the_preprocessing_is_the_difference_between_the_protocols(monkeypatch, protocol):
    seen = []

    class Watched(Preprocessing):
        def fit(self, features, outcome):
            seen.append(set(features.index))
            return super().fit(features, outcome)

    register(monkeypatch, "quick", grid=[{"power": 1.0}, {"power": 2.0}])
    monkeypatch.setattr("hnseg.survival.tasks.Preprocessing", Watched)
    run(protocol=protocol, inner_folds=3)
    if protocol == "paper":
        assert seen == [set(DATA.patients)]
    else:
        assert seen[0] == set(FOLD.train)
        assert [len(rows) for rows in seen] == [40, 26, 27, 27]
        assert all(rows < set(FOLD.train) for rows in seen[1:])


def test_the_papers_selection_is_the_same_in_every_fold_of_a_repeat(monkeypatch):
    register(monkeypatch, "quick")
    table = toy(60, noise=8, unknown=0.0).features(FeatureSet.named("clinical+ct"), "")
    selected = {}
    for repeat in (0, 1):
        for fold in deal(DATA.patients):
            task = Task("paper", repeat, fold, "ct")
            plan = Plan(("quick",), ("ct",), reference="ct", selection="cox_lasso")
            selected[repeat, fold.name] = run_task(task, table, DATA.outcome, plan)["selected"]
    assert selected[0, "0"] == selected[0, "1"] == selected[0, "2"]
    assert selected[1, "0"] == selected[1, "1"] == selected[1, "2"]


def test_one_piece_is_what_the_parts_give_when_put_together_by_hand(monkeypatch):
    """A naive second version: a pipeline a hyper-parameter and inner fold, without anything shared."""
    outcome, train = DATA.outcome.of(FOLD.train), TABLE.loc[list(FOLD.train)]
    seed, grid = task_seed(0, 0, FOLD.name), (1.0, 0.1)
    register(monkeypatch, "cox", CoxPH, [{"penalizer": penalizer} for penalizer in grid])
    rows = list(StratifiedKFold(3, shuffle=True, random_state=seed).split(train, outcome.event))
    pooled = []
    for penalizer in grid:
        good = pairs = 0.0
        for fit, test in rows:
            fitting, tested = outcome.of(train.index[fit]), outcome.of(train.index[test])
            with training_rows(fitting.patients):
                pipeline = fitted_pipeline("none", CoxPH(penalizer), train.iloc[fit], fitting, seed=seed)
            risk = pipeline.risk(train.iloc[test])
            for i, j in np.argwhere(tested.event[:, None] & (tested.time_days[:, None] < tested.time_days)):
                good, pairs = good + (risk[i] > risk[j]) + (risk[i] == risk[j]) / 2, pairs + 1
        pooled.append(good / pairs)
    with training_rows(FOLD.train):
        best = fitted_pipeline("none", CoxPH(grid[int(np.argmax(pooled))]), train, outcome, seed=seed)
    made = run(("cox",), inner_folds=3)["models"]["cox"]
    test = TABLE.loc[list(FOLD.test)]
    assert (made["parameters"], made["note"]) == ({"penalizer": best.model.penalizer}, best.model.note_)
    np.testing.assert_allclose(made["risk"], best.risk(test), rtol=1e-9)
    np.testing.assert_allclose(made["survival"], best.survival(test, np.array([730.5]))[:, 0], rtol=1e-9)
    tested = DATA.outcome.of(FOLD.test)
    assert made["scores"]["c_index"] == concordance(tested.event, tested.time_days, best.risk(test))


def test_a_model_that_fails_is_set_aside_and_the_others_go_on(monkeypatch):
    register(monkeypatch, "quick")
    register(monkeypatch, "failing", FailingModel)
    piece = run(("failing", "quick"))
    assert set(piece["models"]) == {"quick"}
    assert piece["failed"] == {"failing": "RuntimeError: singular"}
    json.dumps(piece)


def test_a_full_disk_stops_the_experiment(monkeypatch):
    class Full(QuickModel):
        def fit(self, features, outcome):
            raise DiskFullError("no room left")

    register(monkeypatch, "full", Full)
    with pytest.raises(DiskFullError):
        run(("full",))


def test_predictions_that_are_not_finite_are_a_failure(monkeypatch):
    class Endless(QuickModel):
        def risk(self, features):
            return np.full(len(features), np.inf)

    register(monkeypatch, "endless", Endless)
    assert "not finite" in run(("endless",))["failed"]["endless"]


def test_where_no_feature_can_be_prepared_all_models_are_set_aside(monkeypatch):
    register(monkeypatch, "quick")
    task = Task("honest", 0, FOLD, "ct")
    piece = run_task(task, TABLE[["age"]] * np.nan, DATA.outcome, Plan(("quick",), ("clinical",), selection="none"))
    assert "has a value in the training rows" in piece["failed"]["quick"]


def test_seeds_change_with_repeat_and_fold():
    seeds = {task_seed(seed, repeat, fold) for seed in (0, 1) for repeat in (0, 1) for fold in ("0", "1", "CHUM")}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**31 for seed in seeds)
