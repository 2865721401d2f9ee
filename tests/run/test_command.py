import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.report import write_manifest
from hnseg.run.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


def test_the_command_that_a_report_prints_writes_it_again(tmp_path) -> None:
    run = tmp_path / "it's a run, [odd] ${name}"
    write_manifest(run, name="odd", task="train", finished=True)
    done = subprocess.run(
        [sys.executable, "-m", "hnseg.run.cli", *shlex.split(f"report {shlex.quote(str(run))}")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (run / "report.html").is_file()


def test_a_word_that_fits_nowhere_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "masks"]) == 2
    shown = capsys.readouterr().err
    assert "'masks' is not understood" in shown
    assert len(shown.splitlines()) == 1


def test_what_must_be_given_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "truth=somewhere"]) == 2
    shown = capsys.readouterr().err
    assert "output=..., predictions=...;" in shown
    assert "truth" not in shown
    assert len(shown.splitlines()) == 1


def test_what_a_part_says_that_hydra_builds_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "debug=fdr", "split.folds=20"]) == 2
    assert "\nhnseg: 6 patients cannot be split" in capsys.readouterr().err
    assert main(["train", "debug=fdr", "clicks=point", "clicks.most=0"]) == 2
    shown = capsys.readouterr().err
    assert "hnseg: clicks: most=0; give 1 or more" in shown
    assert "Traceback" not in shown
