import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hnseg.survival import jobs
from hnseg.survival.experiment import best_c_index
from hnseg.survival.models.registry import MODELS, ModelKind
from hnseg.survival.objects import DEEP
from hnseg.survival.saved import load_model
from hnseg.survival.statistics import concordance
from tests.survival.cohorts import FailingModel, QuickModel, register
from tests.survival.experiments import DATA, FOLDS, NEEDS, rows, run, written

TABLES = ("outcome", "risks", "scores", "summary", "selected", "importances", "kaplan_meier", "log_rank", "calibration")


pytestmark = pytest.mark.usefixtures("quick")


def test_everything_is_written_that_readers_expect(whole):
    assert all((whole / f"{name}.csv").is_file() for name in TABLES)
    assert len(rows(whole, "scores")) == 2 * 2 * 3
    assert len(rows(whole, "risks")) == 2 * 2 * 60
    assert {row["patient"] for row in rows(whole, "risks")} == set(DATA.patients)
    assert [(row["protocol"], row["features"]) for row in rows(whole, "summary")] == [
        *(("honest", "clinical"), ("paper", "clinical"), ("honest", "clinical+ct"), ("paper", "clinical+ct"))
    ]
    assert len(rows(whole, "importances")) == 3 + 7
    assert [row["PatientID"] for row in rows(whole / "risks", "quick+clinical")] == [
        patient for fold in FOLDS for patient in fold.test
    ]
    saved = json.loads((whole / "models" / "quick-clinical" / "model.json").read_text())
    assert saved["needs"] == {"clinical": {"mapping": "x"}, "images": NEEDS["images"]}
    assert saved["training"]["endpoint"] == "relapse"


def test_the_best_reachable_score_is_the_true_hazards_by_folds():
    by_hand = []
    for fold in FOLDS:
        test = DATA.outcome.of(fold.test)
        by_hand.append(concordance(test.event, test.time_days, [DATA.log_hazard[name] for name in fold.test]))
    assert best_c_index(DATA, [FOLDS, FOLDS]) == pytest.approx(np.mean(by_hand))
    assert best_c_index(replace(DATA, log_hazard=None), [FOLDS]) is None


def test_repeats_change_inner_folds_and_seeds_and_keep_the_outer_folds(tmp_path, monkeypatch):
    seeds = []

    class Seeded(QuickModel):
        def fit(self, features, outcome):
            seeds.append(self.seed)
            return super().fit(features, outcome)

    register(monkeypatch, "quick", Seeded)
    run(tmp_path, feature_sets=("clinical",), repeats=2, protocols=("honest",))
    assert len(set(seeds)) == 2 * 3 + 1  # a fold of each repeat, and the final fit
    assert [row["repeat"] for row in rows(tmp_path, "scores")] == ["0"] * 3 + ["1"] * 3
    assert {row["folds"] for row in rows(tmp_path, "summary")} == {"6"}


def test_a_model_that_fails_is_set_aside_by_name_and_the_others_go_on(tmp_path, monkeypatch):
    register(monkeypatch, "failing", FailingModel)
    results = run(tmp_path, models=("failing", "quick"), protocols=("honest",), feature_sets=("clinical",))
    assert results.set_aside[0] == {
        "what": "failing: clinical, fold 0, repeat 0, protocol honest",
        "why": "RuntimeError: singular",
    }
    assert results.set_aside[-1]["what"] == "failing: clinical, fit to all patients"
    assert [row["model"] for row in results.summary] == ["quick"]


def test_a_model_that_is_not_installed_is_set_aside_and_refused_where_it_is_the_only_one(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "absent", ModelKind("x", "Absent", [{}], "no_such_package", "extra"))
    models = ("absent", "quick")
    results = run(tmp_path, folds=FOLDS[:1], models=models, protocols=("honest",), feature_sets=("clinical",))
    assert [(row["what"], "not installed" in row["why"]) for row in results.set_aside] == [("absent", True)]
    with pytest.raises(ValueError, match="not installed"):
        run(tmp_path, models=("absent",))


ONE_SET = {"feature_sets": ("clinical",)}


def goes_on_to_the_same(folder):
    """The same command again leaves what one that never stopped leaves."""
    assert run(folder / "again", **ONE_SET).set_aside == []
    run(folder / "whole", **ONE_SET)
    assert written(folder / "again") == written(folder / "whole")


@pytest.mark.parametrize("final", [False, True])
def test_a_piece_whose_process_was_lost_is_set_aside_and_made_the_next_time(tmp_path, monkeypatch, final):
    def losing(work, tasks, _workers, killed):
        for number, (job,) in enumerate(tasks):
            is_lost = job.destination is not None and job.task.features == "clinical" if final else number == 1
            yield killed((job,)) if is_lost else work(job)

    with monkeypatch.context() as patch:
        patch.setattr("hnseg.survival.experiment.run_all", losing)
        (lost,) = run(tmp_path / "again", **ONE_SET).set_aside
    where = "clinical, fit to all patients" if final else "clinical, fold 0, repeat 0, protocol paper"
    assert (lost["what"], "its process was killed" in lost["why"]) == (f"quick: {where}", True)
    assert len(rows(tmp_path / "again", "scores")) == 6 - (not final)
    assert (tmp_path / "again" / "models" / "quick-clinical").is_dir() is not final
    goes_on_to_the_same(tmp_path)


def test_a_piece_without_enough_memory_is_set_aside_and_made_the_next_time(tmp_path, monkeypatch):
    class Large(QuickModel):
        def fit(self, features, outcome):
            raise MemoryError

    with monkeypatch.context() as patch:
        register(patch, "quick", Large)
        set_aside = run(tmp_path / "again", **ONE_SET).set_aside
    assert len(set_aside) == 7
    assert all("not enough memory; use fewer workers" in one["why"] for one in set_aside)
    goes_on_to_the_same(tmp_path)


def test_deep_features_are_the_folds_own_and_the_final_fit_has_those_of_the_first(tmp_path):
    rng = np.random.default_rng(0)
    deep = {
        fold.name: pd.DataFrame(rng.normal(size=(60, 2)) + 100 * int(fold.name), DATA.patients, ["deep_0", "deep_1"])
        for fold in FOLDS
    }
    data, needs = replace(DATA, deep=deep), NEEDS | {"deep": {}}
    seen = []
    original = jobs.compute

    def watch(job):
        if DEEP in job.task.features:
            seen.append((job.task.fold.name, round(job.features["deep_0"].mean(), -2)))
        return original(job)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hnseg.survival.experiment.compute", watch)
        run(tmp_path, data, feature_sets=("clinical", "clinical+deep"), protocols=("honest",), needs=needs)
    assert seen == [("0", 0), ("1", 100), ("2", 200), ("all", 0)]


ONE_COX = {"folds": FOLDS[:1], "models": ("cox",), "feature_sets": ("clinical",), "protocols": ("honest",)}


def test_what_another_process_is_sent_is_all_that_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))

    def sent(work, tasks, _workers, _killed):
        yield from (work(*pickle.loads(pickle.dumps(task))) for task in tasks)

    run(tmp_path / "here", **ONE_COX)
    monkeypatch.setattr("hnseg.survival.experiment.run_all", sent)
    run(tmp_path / "there", **ONE_COX)
    assert written(tmp_path / "here") == written(tmp_path / "there")


@pytest.mark.slow
def test_two_processes_give_the_same_files_as_one(tmp_path):
    for workers in (1, 2):
        run(tmp_path / str(workers), workers=workers, **ONE_COX)
    assert written(tmp_path / "1") == written(tmp_path / "2")
    table = DATA.blocks["clinical"]
    risks = [load_model(tmp_path / name / "models" / "cox-clinical").risk(table) for name in ("1", "2")]
    assert risks[0].tobytes() == risks[1].tobytes()
