"""Broken files, a full disk, hostile checkpoints and typing errors: a sentence each, and nobody else's work is lost."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

import hnseg.models
from hnseg.inference.checkpoint import checkpoint_entry
from hnseg.inference.settings import InferenceSettings
from hnseg.io import read_volume, write_volume
from hnseg.labels import LabelSet
from hnseg.phantom import write_hecktor
from hnseg.prepare import Recipe
from hnseg.prepare.intensity import Normalization
from hnseg.run.cli import main
from hnseg.types import Grid, Volume
from tests.integration.tiny import ROOT

COARSE = ["data.spacing_mm=[4.5,4.5,4.5]", "data.prepare_workers=1", "view.size_zyx=[32,32,32]", "model.net.filters=2"]
NET = {"_target_": "hnseg.models.SENormUNet", "in_channels": 2, "out_channels": 1, "filters": 2}


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def make_text(path: Path) -> None:
    path.write_text("ask the radiology department\n")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def move_away(path: Path) -> None:
    """Half a metre to the left: another scan."""
    volume = read_volume(path)
    x, y, z = volume.grid.origin_mm
    moved = Grid(volume.grid.shape_zyx, volume.grid.spacing_mm, (x + 500, y, z), volume.grid.direction)
    write_volume(Volume(volume.array, moved), path)


def add_nan(path: Path) -> None:
    volume = read_volume(path)
    array = volume.array.astype(np.float32)
    array[3, 3, 3:6] = np.nan
    write_volume(Volume(array, volume.grid), path)


def empty(path: Path) -> None:
    volume = read_volume(path)
    write_volume(Volume(np.zeros_like(volume.array), volume.grid), path)


BREAKS: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = [
    ("ct", cut_short, ("cut short", "again")),
    ("pt", make_text, ("expected", "check")),
    ("pt", Path.unlink, ("PET", "add it")),
    ("gtvt", move_away, ("overlap", "check")),
    ("ct", add_nan, ("3 voxels", "NaN", "export")),
    ("gtvt", empty, ("empty", "mask")),
    ("ct", make_folder, ("no CT", "add it")),
]
"""Which file of a patient, what happens to it, and what the message must hold besides the file's name."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    return write_hecktor(
        root, year=2021, patients=len(BREAKS) + 1, seed=0, test_patients=0, coarse=4.0, workers=1, progress=False
    )


@pytest.fixture
def broken(sound: Path, tmp_path: Path) -> tuple[Path, dict[str, tuple[Path, tuple[str, ...]]]]:
    """A copy with all but one patient broken; which file of whom, and what must be said about it."""
    root = tmp_path / "cohort"
    shutil.copytree(sound, root)
    folder = root / "hecktor_nii"
    patients = sorted(path.name.removesuffix("_ct.nii.gz") for path in folder.glob("*_ct.nii.gz"))
    said = {}
    for case_id, (kind, damage, words) in zip(patients, BREAKS, strict=False):
        path = folder / f"{case_id}_{kind}.nii.gz"
        damage(path)
        said[case_id] = (path, words)
    return root, said


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("HNSEG_DATA", "")
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: Any) -> Path:
        net = {**NET, **changes}
        entry = checkpoint_entry(
            net=net,
            labels=LabelSet(("GTVt",)),
            recipe=Recipe(spacing_mm=(4.5, 4.5, 4.5), regions=("image",)),
            normalization=Normalization(("ct", "pt")),
            inference=InferenceSettings((32, 32, 32)),
            config={},
        )
        torch.manual_seed(0)
        network = hnseg.models.SENormUNet(in_channels=2, out_channels=1, filters=2)
        state = {f"net.{key}": value for key, value in network.state_dict().items()}
        torch.save({"state_dict": state, "hnseg": entry}, tmp_path / "net.ckpt")
        return tmp_path / "net.ckpt"

    return write


def line_about(case_id: str, text: str) -> str:
    return next((line for line in text.splitlines() if f"{case_id}: " in line), f"nothing about {case_id} in\n{text}")


@pytest.mark.parametrize("command", ["prepare", "check"])
def test_each_broken_patient_is_named_and_the_others_go_on(
    command: str,
    broken: tuple[Path, dict[str, tuple[Path, tuple[str, ...]]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, said = broken
    assert main([command, "data=hecktor2021", f"data.root={root}", *COARSE]) == 1
    shown = capsys.readouterr().out
    for case_id, (path, words) in said.items():
        line = line_about(case_id, shown)
        assert path.name in line
        assert all(word in line for word in words), line
    if command == "prepare":
        assert f"{len(said)} patients were set aside" in shown
        assert len(list((tmp_path / "root" / "data" / "prepared").glob("*/*/case.json"))) == 1
    else:
        assert f"{len(said)} errors" in shown


def test_prediction_goes_on_past_broken_patients(
    broken: tuple[Path, dict[str, tuple[Path, tuple[str, ...]]]],
    write_checkpoint: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, said = broken
    said = {case_id: rest for case_id, rest in said.items() if "gtvt" not in rest[0].name}
    output = tmp_path / "masks"
    assert main(["predict", f"checkpoint={write_checkpoint()}", f"input={root}", f"output={output}", "threads=1"]) == 1
    shown = capsys.readouterr().out
    summary = shown[shown.index("masks written") :]
    assert f"{len(said)} patients failed" in summary
    for case_id, (path, _) in said.items():
        assert path.name.split("_")[0] in line_about(case_id, summary)
        assert not (output / f"{case_id}.nii.gz").exists()
    assert len(list(output.glob("*.nii.gz"))) == len(BREAKS) + 1 - len(said)


def test_a_full_disk_stops_in_one_sentence_and_keeps_what_was_there(sound: Path, tmp_path: Path) -> None:
    arguments = ["-m", "hnseg.run.cli", "prepare", "data=hecktor2021", f"data.root={sound}", *COARSE]
    limited = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert limited.returncode == 2, limited.stderr
    assert "no room left" in limited.stderr
    assert "Traceback" not in limited.stderr
    prepared = tmp_path / "root" / "data" / "prepared"
    assert not list(prepared.rglob("*.npy"))  # no half-written case
    assert main(["prepare", "data=hecktor2021", f"data.root={sound}", *COARSE]) == 0
    assert len(list(prepared.glob("*/*/case.json"))) == len(BREAKS) + 1


class Attack:
    """Unpickled carelessly, it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def save_bare(content: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize(("write", "word"), [(torch.save, "refused"), (save_bare, "damaged or no checkpoint")])
def test_a_checkpoint_with_code_is_not_loaded_and_nothing_runs(
    write: Callable[[Any, Path], object], word: str, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trap, path = tmp_path / "was_run", tmp_path / "net.ckpt"
    write({"state_dict": {}, "hnseg": Attack(trap)}, path)
    assert main(["predict", f"checkpoint={path}", f"input={sound}", f"output={tmp_path / 'masks'}"]) == 2
    shown = capsys.readouterr().err
    assert str(path) in shown
    assert word in shown
    assert not trap.exists()
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap was no trap"


def test_a_checkpoint_cannot_name_what_is_built(
    write_checkpoint: Callable[..., Path], sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_checkpoint(_target_="os.system", command=f"touch {tmp_path / 'was_run'}")
    assert main(["predict", f"checkpoint={path}", f"input={sound}", f"output={tmp_path / 'masks'}"]) == 2
    shown = capsys.readouterr().err
    assert "os.system" in shown
    assert "nothing was imported" in shown
    assert not (tmp_path / "was_run").exists()


def test_a_missing_data_set_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "data=hecktor2021"]) == 2
    shown = capsys.readouterr().err
    assert "data.root=DIR" in shown
    assert "Traceback" not in shown
    assert len(shown.strip().splitlines()) == 1, shown


def test_a_typing_error_brings_the_nearest_right_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "+model.net.fitlers=3"]) == 2
    assert "did you mean 'filters'?" in capsys.readouterr().err
