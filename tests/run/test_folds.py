import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hnseg.run.folds import Fold, folds_below, run_to_its_end, train_command


def test_each_fold_has_a_folder_named_like_it(tmp_path: Path) -> None:
    folds = folds_below(tmp_path, ["CHGJ", 0, "St. Mary's"])
    assert [fold.folder.name for fold in folds] == ["CHGJ", "0", "St._Mary_s"]
    with pytest.raises(ValueError, match="share folders"):
        folds_below(tmp_path, ["a b", "a_b"])


def test_finished_means_trained_and_scored(tmp_path: Path) -> None:
    fold = Fold("CHGJ", tmp_path)
    assert not fold.finished
    (tmp_path / "manifest.json").write_text(json.dumps({"finished": True}))
    assert not fold.finished
    (tmp_path / "cases.csv").write_text("case\n")
    assert fold.finished
    (tmp_path / "manifest.json").write_text(json.dumps({"finished": False}))
    assert not fold.finished


def test_what_was_typed_reaches_every_fold_but_for_what_is_the_cross_validations_own(tmp_path: Path) -> None:
    typed = ["model=unet", "optimizer.lr=1e-3", "name=mine", "cv.folds=[a]", "+cv.launcher=joblib", "test=false"]
    command = train_command(typed, "mine", [Fold("O'Hara", tmp_path / "O_Hara")], None)
    assert command[1:4] == ["-m", "hnseg.run.cli", "train"]
    assert command[4:] == [
        "model=unet",
        "optimizer.lr=1e-3",
        "fold='O\\'Hara'",
        "name='mine-O_Hara'",
        f"paths.output='{tmp_path}/O_Hara'",
        "test=true",
    ]


def test_a_launcher_gets_all_folds_at_once(tmp_path: Path) -> None:
    folds = folds_below(tmp_path, [0, 2])
    command = train_command(["model=unet"], "mine", folds, "joblib")
    assert "--multirun" in command
    assert {"fold=0,2", "hydra/launcher=joblib", f"paths.output={tmp_path}/folds/${{fold}}"} <= set(command)


def test_exit_codes_come_back() -> None:
    assert run_to_its_end([sys.executable, "-c", "raise SystemExit(3)"]) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
def test_a_fold_dies_with_its_cross_validation(tmp_path: Path) -> None:
    child = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    script = f"from hnseg.run.folds import run_to_its_end; run_to_its_end([{sys.executable!r}, '-c', {child!r}])"
    parent = subprocess.Popen([sys.executable, "-c", script])
    pid = _written(tmp_path / "pid")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while _alive(pid):
        assert time.monotonic() < deadline, "the fold outlived its cross-validation"
        time.sleep(0.02)


def _written(path: Path) -> int:
    deadline = time.monotonic() + 60
    while not (path.is_file() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
