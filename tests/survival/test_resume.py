import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from hnseg.survival import jobs
from hnseg.survival.objects import FeatureSet, Outcome
from tests.survival.cohorts import register
from tests.survival.experiments import DATA, FOLDS, plan, rows, run, written

LATER = Outcome(DATA.patients, DATA.outcome.event, DATA.outcome.time_days[::-1] + 1)

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def finished(whole, tmp_path):
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "finished")


def test_the_same_command_again_computes_nothing_and_writes_the_same(finished, whole, monkeypatch):
    for table in finished.glob("*.csv"):
        table.unlink()
    monkeypatch.setattr(jobs, "run_task", None)
    monkeypatch.setattr(jobs, "fit_final", None)
    results = run(finished)
    assert written(finished) == written(whole)
    assert [float(row["c_index"]) for row in rows(whole, "summary")] == [row["c_index"] for row in results.summary]
    assert results.set_aside == []


def test_a_piece_is_kept_under_the_name_of_all_that_decides_it(tmp_path):
    small = plan()

    def file(data=DATA, plan=small, fold=FOLDS[0], repeat=0, protocol="honest", features="clinical"):
        return jobs.outer_job(protocol, repeat, fold, FeatureSet.named(features), data, plan, tmp_path).file

    table = DATA.blocks["clinical"].copy()
    table.iloc[0, 0] += 1e-12
    other = [
        file(replace(DATA, blocks={**DATA.blocks, "clinical": table})),
        file(replace(DATA, blocks={**DATA.blocks, "clinical": DATA.blocks["clinical"].rename(columns=str.upper)})),
        file(replace(DATA, outcome=LATER)),
        file(plan=plan(seed=1)),
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
    assert file(plan=plan(workers=2)) == file() == file(replace(DATA, name="renamed"))


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_tables(whole, tmp_path, monkeypatch):
    compute, done = jobs.run_task, []

    def stopped(*arguments):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(arguments)
        return compute(*arguments)

    monkeypatch.setattr(jobs, "run_task", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert len(list((tmp_path / "tasks").iterdir())) == 5
    monkeypatch.setattr(jobs, "run_task", lambda *arguments: done.append(arguments) or compute(*arguments))
    run(tmp_path)
    assert len(done) == 12
    assert written(tmp_path) == written(whole)


def test_a_damaged_piece_or_a_model_that_is_gone_is_made_again(finished, whole):
    piece = min(file for file in (finished / "tasks").iterdir() if '"fold"' in file.read_text())
    before = json.loads(piece.read_text())
    piece.write_text(piece.read_text()[:50])
    (finished / "models" / "quick-clinical" / "arrays.npz").unlink()
    run(finished)
    assert written(finished) == written(whole)
    assert json.loads(piece.read_text())["models"] == before["models"]


def test_models_of_other_data_in_the_same_folder_are_made_again(finished, whole):
    """Data as they were, other data, and data as they were again: what is on disk is what the tables are of."""
    run(finished, replace(DATA, outcome=LATER))
    assert written(finished)["models/quick-clinical/arrays.npz"] != written(whole)["models/quick-clinical/arrays.npz"]
    run(finished)
    assert written(finished) == written(whole)


def test_what_an_earlier_plan_left_is_removed_and_files_of_others_stay(finished, whole, monkeypatch):
    register(monkeypatch, "other")
    run(finished, models=("other", "quick"), feature_sets=("clinical", "ct"))
    (finished / "models" / "other-ct" / "notes.txt").write_text("mine")
    (finished / "models" / "a-folder").mkdir()
    (finished / "risks" / "mine.csv").touch()
    run(finished)
    assert {file.name for file in (finished / "risks").iterdir()} == {
        *("quick+clinical.csv", "quick+clinical+ct.csv", "mine.csv")
    }
    assert [file.name for file in (finished / "models" / "other-ct").iterdir()] == ["notes.txt"]
    assert {file.name for file in (finished / "models").iterdir()} == {
        *("quick-clinical", "quick-clinical+ct", "other-ct", "a-folder")
    }


KILLED = """
import sys
from pathlib import Path
from tests.survival.experiments import run
if __name__ == "__main__":
    run(Path(sys.argv[1]), models=("cox",), workers=2)
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
    run(tmp_path / "whole", models=("cox",))
    assert written(tmp_path / "killed") == written(tmp_path / "whole")
