import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hnseg.phantom import plan_patient
from hnseg.phantom.plan import null_outcome
from hnseg.survival import jobs
from hnseg.survival.experiment import best_c_index, run_experiment
from hnseg.survival.models.registry import MODELS, ModelKind
from hnseg.survival.objects import DEEP, FeatureSet, Fold, Outcome, SurvivalData
from hnseg.survival.plan import Plan
from hnseg.survival.saved import load_model
from hnseg.survival.statistics import concordance
from tests.survival.cohorts import FailingModel, QuickModel, deal, register, toy

DATA = toy(unknown=0.0)
FOLDS = deal(DATA.patients)
PLAN = Plan(("quick",), ("clinical", "clinical+ct"), inner_folds=2, selection="none", bootstrap_resamples=20, workers=1)
NEEDS = {"clinical": {"mapping": "x"}, "ct": {"bin": 25}}
TABLES = ("outcome", "risks", "scores", "summary", "selected", "importances", "kaplan_meier", "log_rank", "calibration")


def run(folder, plan=PLAN, data=DATA, folds=FOLDS, **named):
    return run_experiment(data, [folds] * plan.repeats, plan, folder, progress=False, **named)


def written(folder):
    files = [*folder.glob("*.csv"), *folder.glob("risks/*.csv"), *folder.glob("models/*/*.json")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(files)}


def rows(folder, name):
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    register(monkeypatch, "quick")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished experiment, only looked at."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        register(patch, "quick")
        run(folder, needs=NEEDS, endpoint="relapse")
    return folder


@pytest.fixture
def finished(whole, tmp_path):
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "finished")


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
    assert saved["needs"] == {"clinical": {"mapping": "x"}}
    assert saved["training"]["endpoint"] == "relapse"


def test_the_best_reachable_score_is_the_true_hazards_by_folds():
    by_hand = []
    for fold in FOLDS:
        test = DATA.outcome.of(fold.test)
        by_hand.append(concordance(test.event, test.time_days, [DATA.log_hazard[name] for name in fold.test]))
    assert best_c_index(DATA, [FOLDS, FOLDS]) == pytest.approx(np.mean(by_hand))
    assert best_c_index(replace(DATA, log_hazard=None), [FOLDS]) is None


def test_the_same_command_again_computes_nothing_and_writes_the_same(finished, whole, monkeypatch):
    for table in finished.glob("*.csv"):
        table.unlink()
    monkeypatch.setattr(jobs, "run_task", None)
    monkeypatch.setattr(jobs, "fit_final", None)
    results = run(finished, needs=NEEDS, endpoint="relapse")
    assert written(finished) == written(whole)
    assert [float(row["c_index"]) for row in rows(whole, "summary")] == [row["c_index"] for row in results.summary]
    assert results.set_aside == []


def test_a_piece_is_kept_under_the_name_of_all_that_decides_it(tmp_path):
    def file(data=DATA, plan=PLAN, fold=FOLDS[0], repeat=0, protocol="honest", features="clinical"):
        return jobs.outer_job(protocol, repeat, fold, FeatureSet.named(features), data, plan, tmp_path).file

    table = DATA.blocks["clinical"].copy()
    table.iloc[0, 0] += 1e-12
    later = Outcome(DATA.patients, DATA.outcome.event, DATA.outcome.time_days + 1)
    other = [
        file(replace(DATA, blocks={**DATA.blocks, "clinical": table})),
        file(replace(DATA, blocks={**DATA.blocks, "clinical": DATA.blocks["clinical"].rename(columns=str.upper)})),
        file(replace(DATA, outcome=later)),
        file(plan=replace(PLAN, seed=1)),
        file(fold=FOLDS[1]),
        file(fold=replace(FOLDS[0], name="x")),
        file(repeat=1),
        file(protocol="paper"),
        file(features="clinical+ct"),
    ]
    assert len({*other, file()}) == 10
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "code_key", lambda *_rooms: "another version")
        assert file() not in other
        other.append(file())
    assert len({*other, file()}) == 11
    assert file(plan=replace(PLAN, workers=2)) == file() == file(replace(DATA, name="renamed"))


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_tables(whole, tmp_path, monkeypatch):
    compute, done = jobs.run_task, []

    def stopped(*arguments):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(arguments)
        return compute(*arguments)

    monkeypatch.setattr(jobs, "run_task", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, needs=NEEDS, endpoint="relapse")
    assert len(list((tmp_path / "tasks").iterdir())) == 5
    monkeypatch.setattr(jobs, "run_task", lambda *arguments: done.append(arguments) or compute(*arguments))
    run(tmp_path, needs=NEEDS, endpoint="relapse")
    assert len(done) == 12
    assert written(tmp_path) == written(whole)


def test_a_damaged_piece_or_a_model_that_is_gone_is_made_again(finished, whole):
    piece = min(file for file in (finished / "tasks").iterdir() if '"fold"' in file.read_text())
    before = json.loads(piece.read_text())
    piece.write_text(piece.read_text()[:50])
    (finished / "models" / "quick-clinical" / "arrays.npz").unlink()
    run(finished, needs=NEEDS, endpoint="relapse")
    assert written(finished) == written(whole)
    assert json.loads(piece.read_text())["models"] == before["models"]
    assert load_file(finished) == load_file(whole)


def load_file(folder):
    with np.load(folder / "models" / "quick-clinical" / "arrays.npz") as arrays:
        return {name: (arrays[name].dtype.str, arrays[name].tobytes()) for name in arrays}


def test_repeats_change_inner_folds_and_seeds_and_keep_the_outer_folds(tmp_path, monkeypatch):
    seeds = []

    class Seeded(QuickModel):
        def fit(self, features, outcome):
            seeds.append(self.seed)
            return super().fit(features, outcome)

    register(monkeypatch, "quick", Seeded)
    run(tmp_path, replace(PLAN, feature_sets=("clinical",), repeats=2, protocols=("honest",)))
    assert len(set(seeds)) == 2 * 3 + 1  # a fold of each repeat, and the final fit
    assert [row["repeat"] for row in rows(tmp_path, "scores")] == ["0"] * 3 + ["1"] * 3
    assert {row["folds"] for row in rows(tmp_path, "summary")} == {"6"}


def test_a_model_that_fails_is_set_aside_by_name_and_the_others_go_on(tmp_path, monkeypatch):
    register(monkeypatch, "failing", FailingModel)
    results = run(
        tmp_path, replace(PLAN, models=("failing", "quick"), protocols=("honest",), feature_sets=("clinical",))
    )
    assert results.set_aside[0] == {
        "what": "failing: clinical, fold 0, repeat 0, protocol honest",
        "why": "RuntimeError: singular",
    }
    assert results.set_aside[-1]["what"] == "failing: clinical, fit to all patients"
    assert [row["model"] for row in results.summary] == ["quick"]


def test_a_model_that_is_not_installed_is_set_aside_and_an_unknown_one_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "absent", ModelKind("x", "Absent", [{}], "no_such_package", "extra"))
    plan = replace(PLAN, models=("absent", "quick"), protocols=("honest",), feature_sets=("clinical",))
    results = run(tmp_path, plan, folds=FOLDS[:1])
    assert [(row["what"], "not installed" in row["why"]) for row in results.set_aside] == [("absent", True)]
    with pytest.raises(ValueError, match="not installed"):
        run(tmp_path, replace(PLAN, models=("absent",)))
    with pytest.raises(ValueError, match="'svm' is not known; use some of cox"):
        run(tmp_path, replace(PLAN, models=("svm",)))


def test_deep_features_are_the_folds_own_and_the_final_fit_has_those_of_the_first(tmp_path):
    rng = np.random.default_rng(0)
    deep = {
        fold.name: pd.DataFrame(rng.normal(size=(60, 2)) + 100 * int(fold.name), DATA.patients, ["deep_0", "deep_1"])
        for fold in FOLDS
    }
    data = replace(DATA, deep=deep)
    seen = []
    original = jobs.compute

    def watch(job):
        if DEEP in job.task.features:
            seen.append((job.task.fold.name, round(job.features["deep_0"].mean(), -2)))
        return original(job)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hnseg.survival.experiment.compute", watch)
        run(tmp_path, replace(PLAN, feature_sets=("clinical", "clinical+deep"), protocols=("honest",)), data)
    assert seen == [("0", 0), ("1", 100), ("2", 200), ("all", 0)]


def test_two_processes_give_the_same_files_as_one(tmp_path):
    plan = replace(PLAN, models=("cox",), feature_sets=("clinical",), protocols=("honest",))
    for workers in (1, 2):
        run(tmp_path / str(workers), replace(plan, workers=workers), folds=FOLDS[:1])
    assert written(tmp_path / "1") == written(tmp_path / "2")
    table = DATA.blocks["clinical"]
    risks = [load_model(tmp_path / name / "models" / "cox-clinical").risk(table) for name in ("1", "2")]
    assert risks[0].tobytes() == risks[1].tobytes()


CENTRES = ("CHGJ", "CHMR", "CHUM", "CHUS", "CHUP")


def phantom(patients, noise, null=False, seed=3):
    """Patients of hnseg's phantom without images: what a physician knows of them, and columns of noise."""
    plans = [plan_patient(seed, number, CENTRES[number % 5]) for number in range(patients)]
    plans = [null_outcome(plan) for plan in plans] if null else plans
    records, names = [plan.clinical for plan in plans], tuple(plan.case_id for plan in plans)
    known = ("age", "hpv", "smoker", "performance", "nodes", "volume_ml")
    clinical = pd.DataFrame([[float(record[name]) for name in known] for record in records], names, known)
    clinical["volume_ml"] = np.log(clinical["volume_ml"])
    columns = [f"ct_{number}" for number in range(noise)]
    ct = pd.DataFrame(np.random.default_rng(seed).normal(size=(patients, noise)), names, columns)
    event, days = (np.array([record[name] for record in records]) for name in ("progression", "pfs_days"))
    outcome = Outcome(names, event.astype(bool), days.astype(float))
    centres = {plan.case_id: plan.centre.code for plan in plans}
    truth = {plan.case_id: plan.clinical["log_hazard"] for plan in plans}
    return SurvivalData("phantom", outcome, centres, {"clinical": clinical, "ct": ct}, phantom=True, log_hazard=truth)


def leave_one_centre_out(data):
    return [
        Fold(
            centre,
            tuple(name for name in data.patients if data.centres[name] != centre),
            tuple(name for name in data.patients if data.centres[name] == centre),
        )
        for centre in CENTRES
    ]


def cox(folder, data, feature_set, protocols=("honest", "paper")):
    plan = Plan(("cox",), (feature_set,), protocols=protocols, reference=feature_set, workers=1)
    results = run(folder, plan, data, leave_one_centre_out(data))
    assert results.set_aside == []
    return {row["protocol"]: row for row in results.summary}, results.best_c_index


def test_where_nothing_can_be_known_the_honest_protocol_finds_nothing_and_the_papers_something(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    found, best = cox(tmp_path, phantom(150, noise=150, null=True), "clinical+ct")
    assert found["honest"]["low"] < 0.5 < found["honest"]["high"]
    assert found["paper"]["c_index"] > 0.6
    assert found["paper"]["low"] > 0.5  # and is sure of it
    assert best == 0.5  # the true hazards are all equal


def test_where_the_hazard_is_known_cox_comes_near_the_best_that_can_be_reached(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    found, best = cox(tmp_path, phantom(225, noise=0), "clinical", protocols=("honest",))
    assert best > 0.65
    assert best - 0.04 < found["honest"]["c_index"] < best + 0.02


@pytest.mark.slow
def test_chance_and_optimism_on_average_over_null_cohorts(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    honest, paper, covered = [], [], 0
    for seed in range(12):
        found, _ = cox(tmp_path / str(seed), phantom(150, noise=150, null=True, seed=seed), "clinical+ct")
        honest.append(found["honest"]["c_index"])
        paper.append(found["paper"]["c_index"])
        covered += found["honest"]["low"] < 0.5 < found["honest"]["high"]
    assert abs(np.mean(honest) - 0.5) < 0.03
    assert np.mean(paper) > 0.6
    assert covered >= 9


KILLED = """
import sys
from pathlib import Path
from tests.survival import test_experiment as here
if __name__ == "__main__":
    plan = here.replace(here.PLAN, models=("cox",), workers=2)
    here.run(Path(sys.argv[1]), plan)
"""


@pytest.mark.slow
def test_a_process_that_was_killed_goes_on_in_another(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": os.getcwd()}  # noqa: PTH109
    command = [sys.executable, str(script), str(tmp_path / "killed")]
    first = subprocess.Popen(command, env=environment, start_new_session=True)
    tasks = tmp_path / "killed" / "tasks"
    deadline = time.monotonic() + 120
    while not (tasks.is_dir() and len(list(tasks.glob("*.json"))) >= 3):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert len(list(tasks.glob("*.json"))) < 14
    subprocess.run(command, env=environment, check=True, timeout=120)
    run(tmp_path / "whole", replace(PLAN, models=("cox",)))
    assert written(tmp_path / "killed") == written(tmp_path / "whole")
