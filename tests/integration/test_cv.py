"""A cross-validation that is killed, started again, post-processed, and used as an ensemble."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from hnseg.report import read_manifest
from tests.integration.tiny import ROOT, TINY, Command

FOLDS = [argument for argument in TINY if argument != "fold=0"]
FOLDS += ["name=three", "data.phantom={patients: 8, seed: 0, coarse: 4.0, test_patients: 2}", "trainer.max_epochs=2"]
FOLDS += ["data.root=${paths.data}/with_test_patients"]
CV = ["-m", "hnseg.run.cli", "cv", *FOLDS]


@pytest.fixture(scope="module")
def crossed(environment: dict[str, str], command: Command) -> Path:
    """Killed in the middle of the second fold, then said again."""
    folder = Path(environment["HNSEG_ROOT"]) / "runs" / "cv" / "three"
    process = subprocess.Popen(
        [sys.executable, *CV, "postprocess=[crf,keep_largest]"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    metrics, deadline = folder / "folds" / "1" / "metrics.csv", time.monotonic() + 240
    while not metrics.is_file():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    first = torch.load(folder / "folds" / "0" / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    shown = command(*CV, "postprocess=[crf,keep_largest]").stdout
    assert "fold 0 (1 of 3) is finished" in shown
    again = torch.load(folder / "folds" / "0" / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(first[key], again[key]) for key in first)  # not trained twice
    return folder


def test_every_patient_is_scored_once_by_a_network_that_never_saw_them(crossed: Path) -> None:
    rows = pd.read_csv(crossed / "cases.csv", dtype={"fold": str})
    assert rows["case"].is_unique
    assert len(rows) == 8
    for name in ("0", "1", "2"):
        split = read_manifest(crossed / "folds" / name)["split"]
        tested = set(rows.loc[rows["fold"] == name, "case"])
        assert tested == set(split["test"])
        assert not tested & {*split["train"], *split["val"]}
    assert {path.name for path in (crossed / "predictions").iterdir()} == {f"{case}.nii.gz" for case in rows["case"]}


def test_with_and_without_post_processing_stand_side_by_side(crossed: Path) -> None:
    raw, processed = (pd.read_csv(crossed / place / "cases.csv") for place in (".", "postprocessed"))
    assert list(raw["case"]) == list(processed["case"])
    assert not raw["volume_mm3"].equals(processed["volume_mm3"])
    carried = torch.load(crossed / "folds" / "0" / "checkpoints" / "best.ckpt", weights_only=True)["hnseg"]
    assert list(carried["postprocess"]) == ["crf", "keep_largest"]


def test_the_report_and_the_papers_tables_are_there(crossed: Path) -> None:
    page = (crossed / "report.html").read_text()
    table, raw = pd.read_csv(crossed / "tables" / "folds.csv"), pd.read_csv(crossed / "cases.csv")
    means = raw.groupby("fold")["dice"].mean()
    assert list(table["row"]) == ["0", "1", "2", "mean of folds"]
    assert table["dice"].iloc[:3].to_list() == pytest.approx(means.to_list())
    assert table["dice"].iloc[3] == pytest.approx(means.mean())
    assert 'class="phantom"' in page
    assert "mean of folds" in page
    assert list((crossed / "figures").glob("fig3_*.png"))
    assert read_manifest(crossed)["finished"]


def test_the_data_sets_own_test_patients_are_outlined_by_all_folds(crossed: Path) -> None:
    masks = {path.name for path in (crossed / "test" / "predictions").iterdir()}
    assert len(masks) == 2
    looks = pd.read_csv(crossed.parents[1] / "test_looks.csv")
    assert (looks["split"] == "test patients").sum() == 1


@pytest.mark.slow
def test_again_there_is_nothing_to_do_and_nobody_looks(crossed: Path, command: Command) -> None:
    before = (crossed.parents[1] / "test_looks.csv").read_text()
    shown = command(*CV, "postprocess=[crf,keep_largest]").stdout
    assert shown.count("is finished") == 3
    assert (crossed.parents[1] / "test_looks.csv").read_text() == before


@pytest.mark.slow
def test_another_configuration_under_the_same_name_is_refused(crossed: Path, command: Command) -> None:
    refused = command(*CV, "optimizer.lr=0.5", expect=2)
    assert "optimizer.lr" in refused.stderr


def test_predict_averages_the_folds(crossed: Path, command: Command, environment: dict[str, str]) -> None:
    root = Path(environment["HNSEG_ROOT"])
    inputs = root / "data" / "with_test_patients" / "hecktor_test" / "hecktor_nii_test"
    arguments = [f"checkpoint={crossed}", f"input={inputs}", f"output={root / 'ensemble'}", "save_probabilities=true"]
    boxes = inputs.parent / "bbox_test.csv"
    shown = command("predict.py", *arguments, f"boxes={boxes}").stdout
    assert "3 checkpoints" in shown
    for mask in (crossed / "test" / "postprocessed" / "predictions").iterdir():
        assert (root / "ensemble" / mask.name).read_bytes() == mask.read_bytes()
    table = pd.read_csv(root / "ensemble" / "predictions.csv")
    assert "GTVt_uncertainty" in table.columns
    assert len(list((root / "ensemble" / "probabilities").glob("*_sd.nii.gz"))) == 2


@pytest.mark.slow
def test_another_chain_is_scored_without_training_and_counts_as_a_look(crossed: Path, command: Command) -> None:
    weights = (crossed / "folds" / "1" / "checkpoints" / "last.ckpt").stat().st_mtime
    before = len(pd.read_csv(crossed.parents[1] / "test_looks.csv"))
    command(*CV, "postprocess=drop_small", "postprocess.drop_small.min_volume_mm3=1e6", "workers=1")
    assert (crossed / "folds" / "1" / "checkpoints" / "last.ckpt").stat().st_mtime == weights
    assert (pd.read_csv(crossed / "postprocessed" / "cases.csv")["volume_mm3"] == 0).all()
    assert len(pd.read_csv(crossed.parents[1] / "test_looks.csv")) == before + 3 + 1  # every fold, and the ensemble
    command(*CV, "postprocess=none")
    assert not (crossed / "postprocessed").exists()
    assert not (crossed / "test" / "postprocessed").exists()


@pytest.mark.slow
def test_folds_of_other_patients_are_refused(crossed: Path, command: Command) -> None:
    path = crossed / "folds" / "1" / "manifest.json"
    before = path.read_text()
    manifest = json.loads(before)
    path.write_text(json.dumps(manifest | {"data": manifest["data"] | {"key": "of yesterday's patients"}}))
    refused = command(*CV, expect=2)
    path.write_text(before)
    assert "the folds 1 were trained on other patients" in refused.stderr


@pytest.mark.slow
def test_overwrite_is_said_once(crossed: Path, command: Command) -> None:
    assert "overwrite" not in (crossed / "overrides.yaml").read_text()
    command(*CV, "overwrite=true", "cv.folds=[0]", "trainer.max_epochs=1")
    assert "overwrite" not in (crossed / "overrides.yaml").read_text()
    assert "is finished" in command(*CV, "cv.folds=[0]", "trainer.max_epochs=1").stdout
    assert not (crossed / "test").exists()  # one fold is no ensemble
