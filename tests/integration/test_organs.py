"""Organs at risk from raw CT to scores: slices and AnatomyNet, trained, killed, resumed, applied, averaged."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.io import read_volume
from tests.integration.killing import OFTEN, same_as_never_killed, start_and_kill
from tests.integration.tiny import Command

PHANTOM = [
    "data.phantom={patients: 7, seed: 3, coarse: 3.0}",
    "split=kfold",
    "split.folds=3",
    "fold=0",
    "workers=0",
    "trainer.accelerator=cpu",
    "trainer.check_val_every_n_epoch=1",
]
SLICES = [
    "experiment=jain2020_model_m",
    *PHANTOM,
    "data.spacing_mm=[6,4.5,4.5]",
    "view.size_zyx=[1,64,64]",
    "model.net.filters=4",
    "batch_size=16",
    "trainer.max_epochs=4",
    "scheduler.scheduler.patience=0",
    "scheduler.scheduler.threshold_mode=abs",
    "scheduler.scheduler.threshold=10",  # nothing is ever good enough: half the rate after each epoch
]
VOLUMES = [
    "experiment=zhu2018_anatomynet",
    *PHANTOM,
    "data.spacing_mm=[6,6,6]",
    "model.net.filters=4",
    "optimizer.switch_epoch=2",
    "trainer.max_epochs=4",
]


@pytest.fixture(scope="module")
def slices(command: Command, runs: Path) -> Path:
    command("train.py", *SLICES, "name=slices", "callbacks=per_organ")
    return runs / "slices"


@pytest.fixture(scope="module")
def volumes(command: Command, runs: Path) -> Path:
    command("train.py", *VOLUMES, "name=volumes")
    return runs / "volumes"


@pytest.fixture(scope="module")
def raw(environment: dict[str, str], slices: Path) -> Path:
    return Path(environment["HNSEG_ROOT"]) / "data" / "miccai2015"


def test_a_patient_has_a_row_for_each_organ_that_somebody_looked_for(slices: Path, raw: Path) -> None:
    cases = pd.read_csv(slices / "cases.csv")
    for case_id, rows in cases.groupby("case"):
        files = {path.stem for path in (raw / case_id / "structures").glob("*.nrrd")}
        assert set(rows["structure"]) == files
    assert len(cases) < 9 * cases["case"].nunique(), "the phantom should leave an organ out somewhere"


def test_the_run_shows_what_it_was_trained_on(slices: Path) -> None:
    facts = json.loads((slices / "facts.json").read_text())
    assert [entry["name"] for entry in facts["structures"]][:2] == ["BrainStem", "Chiasm"]
    assert sum(facts["hu"]["all"]) == facts["voxels"]
    assert {"before", "after", "names"} <= set(np.load(slices / "samples.npz").files)
    pictures = {path.name for path in (slices / "figures").glob("*.png")}
    assert len(pictures) >= 4
    assert "PHANTOM" in (slices / "report.html").read_text().upper()


def test_the_best_weights_of_an_organ_are_kept_beside_the_best_of_all(slices: Path) -> None:
    kept = {path.name for path in (slices / "checkpoints").glob("*.ckpt")}
    assert {"best.ckpt", "last.ckpt", "best-Parotid_L.ckpt"} <= kept


def test_predict_writes_a_file_a_structure_and_evaluate_scores_it_as_the_test_stage_did(
    slices: Path, raw: Path, command: Command, tmp_path: Path
) -> None:
    masks, scores = tmp_path / "masks", tmp_path / "scores"
    command("predict.py", f"checkpoint={slices}", f"input={raw}", f"output={masks}", "structure_files=true")
    tested = pd.read_csv(slices / "cases.csv").set_index(["case", "structure"])
    case_id = tested.index[0][0]
    whole = read_volume(masks / f"{case_id}.nii.gz")
    assert whole.grid.matches(read_volume(raw / case_id / "img.nrrd").grid)
    mandible = next((masks / case_id).rglob("Mandible.nii.gz"))
    assert np.array_equal(read_volume(mandible).array > 0, whole.array == 3)
    command("-m", "hnseg.run.cli", "evaluate", f"predictions={masks}", f"truth={raw}", f"output={scores}", expect=0)
    again = pd.read_csv(scores / "cases.csv").set_index(["case", "structure"])
    for column in ("dice", "dice_slices", "surface_dice"):
        pd.testing.assert_series_equal(again.loc[tested.index, column], tested[column])


@pytest.mark.slow
def test_a_run_killed_in_either_stage_ends_with_the_same_weights(
    environment: dict[str, str], command: Command, runs: Path, volumes: Path
) -> None:
    steps = len(pd.read_csv(volumes / "metrics.csv")) - 1
    for name, when in (("killed-first", 1), ("killed-second", steps - 2)):
        start_and_kill(environment, VOLUMES, runs / name, when)
        assert "going on from" in command("train.py", *VOLUMES, *OFTEN, f"name={name}").stdout
        assert same_as_never_killed(runs / name, volumes)


@pytest.mark.slow
def test_a_rate_that_falls_on_a_plateau_falls_after_a_kill_as_well(
    environment: dict[str, str], command: Command, runs: Path, slices: Path
) -> None:
    rates = pd.read_csv(slices / "metrics.csv").groupby("epoch")["lr"].last().tolist()
    assert rates[:4] == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4])
    steps = len(pd.read_csv(slices / "metrics.csv")) - 1
    start_and_kill(environment, SLICES, runs / "killed-plateau", steps - 2)
    command("train.py", *SLICES, *OFTEN, "name=killed-plateau")
    assert same_as_never_killed(runs / "killed-plateau", slices)


@pytest.mark.slow
def test_a_final_fit_that_would_choose_an_epoch_is_refused(command: Command) -> None:
    kept = [word for word in SLICES if not word.startswith(("split", "fold"))]
    done = command("train.py", *kept, "split=jain2020", "split.final=true", "name=final-best", expect=2)
    assert "add callbacks=last_weights" in done.stderr


@pytest.mark.slow
def test_networks_of_slices_and_of_volumes_answer_together(
    slices: Path, volumes: Path, raw: Path, command: Command, tmp_path: Path
) -> None:
    arguments = [f"checkpoint=[{slices},{volumes}]", f"input={raw}", f"output={tmp_path}"]
    command("predict.py", *arguments, "save_probabilities=true")
    case_id = pd.read_csv(slices / "cases.csv")["case"][0]
    mask = read_volume(tmp_path / f"{case_id}.nii.gz")
    assert mask.grid.matches(read_volume(raw / case_id / "img.nrrd").grid)


@pytest.mark.slow
def test_a_final_fit_trains_on_the_validation_patients_too_and_is_tested_with_its_last_weights(
    command: Command, runs: Path
) -> None:
    final = ["split=jain2020", "split.final=true", "callbacks=last_weights", "name=final"]
    phantom = "data.phantom={patients: 7, seed: 3, coarse: 3.0, test_patients: 2}"
    kept = [word for word in SLICES if not word.startswith(("split", "fold", "data.phantom"))]
    command("train.py", *kept, *final, phantom, "data.root=" + str(runs.parents[1] / "data" / "final"))
    split = json.loads((runs / "final" / "manifest.json").read_text())["split"]
    assert set(split["val"]) < set(split["train"])
    assert not set(split["test"]) & set(split["train"])
    assert [path.name for path in (runs / "final" / "checkpoints").glob("*.ckpt")] == ["last.ckpt"]
    assert set(pd.read_csv(runs / "final" / "cases.csv")["case"]) == set(split["test"])
