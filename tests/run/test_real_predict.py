"""`hnseg predict` on real CTs with organs, in PDDCA's layout: 2-D, 3-D, and both together. Nothing here was trained."""

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

import hnseg.models
from hnseg.inference import InferenceSettings, Predictor, checkpoint_entry, load_checkpoint
from hnseg.io import read_grid, read_volume
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.organs import PDDCA
from hnseg.prepare.recipe import Recipe
from hnseg.run.cli import main

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA is not set; it names a folder with oar/paired"),
]
PATIENTS = ("0522c0009", "TCGA-CV-5977")  # all nine organs; cut below the optic region
NETWORKS = {
    "slices": (
        {"_target_": "hnseg.models.ResUNet", "in_channels": 1, "out_channels": 10, "filters": 2},
        {"spacing_mm": (5.0, 4.0, 4.0), "regions": ("body", "image"), "box_size_mm": (None, 280.0, 280.0)},
    ),
    "volumes": (
        {"_target_": "hnseg.models.AnatomyNet", "in_channels": 1, "out_channels": 10, "filters": 2},
        {"spacing_mm": (5.0, 3.0, 3.0), "regions": ("head_neck", "image"), "box_size_mm": None},
    ),
}


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """The data set's folder, with two of its patients."""
    folder = tmp_path / "pddca"
    folder.mkdir()
    for case_id in PATIENTS:
        (folder / case_id).symlink_to(Path(str(ROOT)) / "oar" / "paired" / case_id)
    return folder


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Path]:
    """A tiny 2-D and a tiny 3-D network with the regions and divisors of the two papers' roads, and random weights."""
    written = []
    for seed, (view, (net, how)) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        network = getattr(hnseg.models, str(net["_target_"]).rpartition(".")[2])(
            **{name: value for name, value in net.items() if name != "_target_"}
        )
        entry = checkpoint_entry(
            net=net,
            labels=LabelSet(PDDCA, "softmax"),
            recipe=Recipe(modalities=("ct",), label_names=PDDCA, **how),  # type: ignore[arg-type]
            normalization=Normalization(("ct",), 2 if view == "slices" else 3),
            inference=InferenceSettings(None, "whole", view=view),
            config={},
        )
        path = tmp_path / view / "checkpoints" / "best.ckpt"
        path.parent.mkdir(parents=True)
        torch.save({"state_dict": {f"net.{k}": v for k, v in network.state_dict().items()}, "hnseg": entry}, path)
        written.append(path)
    return written


def predict(checkpoint: str, patients: Path, output: Path, *more: str) -> dict[str, dict[str, str]]:
    given = [f"checkpoint={checkpoint}", f"input={patients}", f"output={output}", "device=cpu", "batch_size=8", *more]
    assert main(["predict", *given]) == 0
    with (output / "predictions.csv").open(newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("which", ["slices", "volumes", "both"])
def test_a_folder_of_ct_becomes_label_maps_and_a_file_an_organ(patients, checkpoints, tmp_path, which) -> None:
    chosen = [path for path in checkpoints if which in (path.parts[-3], "both")]
    rows = predict(f"[{','.join(map(str, chosen))}]", patients, tmp_path / "out", "structure_files=nrrd")
    assert sorted(rows) == sorted(PATIENTS)
    for case_id, row in rows.items():
        mask, grid = read_volume(tmp_path / "out" / f"{case_id}.nii.gz"), read_grid(patients / case_id / "img.nrrd")
        assert mask.grid.matches(grid)
        assert mask.array.any()
        assert {path.name for path in (tmp_path / "out" / case_id).iterdir()} == {f"{name}.nrrd" for name in PDDCA}
        for value, name in enumerate(PDDCA, start=1):
            organ = read_volume(tmp_path / "out" / case_id / f"{name}.nrrd")
            assert organ.grid.matches(grid)
            assert np.array_equal(organ.array > 0, mask.array == value)
            voxels = round(float(row[f"{name}_ml"]) * 1000 / grid.voxel_volume_mm3)
            assert voxels == pytest.approx(int(organ.array.sum()), abs=1)
            assert (name in row["empty"].split("; ")) == (not organ.array.any())


def test_both_together_are_the_mean_of_each_alone(patients, checkpoints) -> None:
    ct, members = read_volume(patients / PATIENTS[0] / "img.nrrd"), [load_checkpoint(path) for path in checkpoints]
    one, other, both = (
        Predictor(some, batch_size=8).predict({"ct": ct}, PATIENTS[0], save_probabilities=True)
        for some in ([members[0]], [members[1]], members)
    )
    assert list(both.uncertainty) == list(PDDCA)
    for name in PDDCA:
        alone = np.stack([one.probabilities[name].array, other.probabilities[name].array])
        np.testing.assert_allclose(both.probabilities[name].array, alone.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(both.probability_sds[name].array, alone.std(axis=0), atol=1e-6)
