"""Clicks from training to prediction: drawn, scored, read from a table, and five ways to use one compared."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from hnseg.inference import ClickSession, Predictor, load_checkpoint
from hnseg.io import read_grid, read_volume
from hnseg.prepare import Case
from hnseg.report import read_manifest
from tests.integration.killing import OFTEN, same_as_never_killed, start_and_kill
from tests.integration.tiny import TINY, Command

CLICKED = [*TINY, "clicks=edt", "clicks.most=3", "test=true"]
ROBOT = [*TINY, "clicks=disk", "clicks.simulate=robot", "clicks.most=2", "test=true"]
ARMS = ["-m", "hnseg.run.cli", "cv", "experiment=rainio2024", "data=turku_phantom", "cv.folds=[0]"]
ARMS += ["data.phantom={patients: 7, seed: 0, coarse: 4.0}", "trainer.max_epochs=1", "model.net.filters=4", "name=five"]


@pytest.fixture(scope="module")
def clicked(command: Command, runs: Path) -> Path:
    command("train.py", *CLICKED, "name=clicked")
    return runs / "clicked"


@pytest.fixture(scope="module")
def patient(clicked: Path, environment: dict[str, str]) -> tuple[str, Path]:
    """A test patient of the clicked network, and where its files lie."""
    case_id = read_manifest(clicked)["split"]["test"][0]
    return case_id, next(Path(environment["HNSEG_ROOT"], "data", "phantom").rglob(f"{case_id}_ct.nii.gz")).parent


@pytest.fixture(scope="module")
def centre_lps_mm(patient: tuple[str, Path]) -> np.ndarray:
    case_id, folder = patient
    truth = read_volume(folder / f"{case_id}_ct_gtvt.nii.gz")
    return truth.grid.to_lps_mm(np.median(np.argwhere(truth.array), axis=0))


def write_clicks(path: Path, case_id: str, *points: tuple[np.ndarray, str, str]) -> Path:
    lines = [f"{case_id},{x},{y},{z},{frame},{kind}" for (x, y, z), frame, kind in points]
    path.write_text("\n".join(["case,x,y,z,frame,kind", *lines]) + "\n")
    return path


def test_a_network_with_clicks_is_scored_click_by_click(clicked: Path) -> None:
    rows = pd.read_csv(clicked / "clicks.csv")
    assert set(rows["method"]) == {"network", "pet_threshold"}
    assert set(rows.loc[rows["user"] == "robot", "clicks"]) == set(range(11))
    assert {"centre", "displaced_3mm", "displaced_6mm", "wrong_organ"} <= set(rows["user"])
    assert set(rows["case"]) == set(read_manifest(clicked)["split"]["test"])
    page = (clicked / "report.html").read_text()
    assert "Clicks" in page
    assert (clicked / "tables" / "click_curve.csv").is_file()
    # a network that can do without clicks is tested without
    assert set(pd.read_csv(clicked / "cases.csv")["clicks"]) == {0}


def test_clicks_in_any_frame_reach_the_same_place(
    clicked: Path, patient: tuple[str, Path], centre_lps_mm: np.ndarray, command: Command, tmp_path: Path
) -> None:
    case_id, folder = patient
    pet = read_grid(folder / f"{case_id}_pt.nii.gz")  # the image that the mask is made for
    voxel_xyz = pet.to_index_zyx(centre_lps_mm)[::-1]
    frames = {"LPS": centre_lps_mm, "RAS": centre_lps_mm * (-1, -1, 1), "voxel": voxel_xyz}
    masks = {}
    for frame, position in frames.items():
        clicks = write_clicks(tmp_path / f"{frame}.csv", case_id, (position, frame, "positive"))
        output = tmp_path / frame
        command("predict.py", "checkpoint=pet_threshold", f"input={folder}", f"output={output}", f"clicks={clicks}")
        masks[frame] = read_volume(output / f"{case_id}.nii.gz").array > 0
    assert masks["LPS"].any()
    assert all(np.array_equal(mask, masks["LPS"]) for mask in masks.values())
    z, y, x = np.rint(pet.to_index_zyx(centre_lps_mm)).astype(int)
    assert masks["LPS"][z, y, x]


def test_a_click_in_the_air_says_where_it_fell_and_the_others_go_on(
    clicked: Path, patient: tuple[str, Path], centre_lps_mm: np.ndarray, command: Command, tmp_path: Path
) -> None:
    case_id, folder = patient
    far = centre_lps_mm - np.array([0.0, 400.0, 0.0])
    clicks = write_clicks(tmp_path / "c.csv", case_id, (far, "LPS", "positive"))
    shown = command(
        "predict.py", f"checkpoint={clicked}", f"input={folder}", f"output={tmp_path / 'out'}", f"clicks={clicks}",
        expect=1,
    ).stdout  # fmt: skip
    assert case_id in shown
    assert f"{far[1]:.1f}" in shown.replace("\n", "")


def test_a_session_answers_as_a_cold_prediction_does(
    clicked: Path, patient: tuple[str, Path], centre_lps_mm: np.ndarray
) -> None:
    case = Case.open(Path(read_manifest(clicked)["cases"][patient[0]]))
    predictor = Predictor([load_checkpoint(clicked / "checkpoints" / "best.ckpt")])
    session = ClickSession(predictor, case)
    first = session.click(tuple(centre_lps_mm.tolist()))
    assert len(first.clicks) == 1
    session.undo()
    again = session.click(tuple(centre_lps_mm.tolist()))
    assert np.array_equal(first.mask.array, again.mask.array)
    assert first.mask.grid.matches(case.image_grid)


@pytest.mark.slow
def test_a_run_with_a_robot_that_was_killed_ends_with_the_same_weights(
    command: Command, environment: dict[str, str], runs: Path
) -> None:
    command("train.py", *ROBOT, "name=robot-whole")
    start_and_kill(environment, ROBOT, runs / "robot-killed", steps=4)
    command("train.py", *ROBOT, *OFTEN, "name=robot-killed")
    assert same_as_never_killed(runs / "robot-killed", runs / "robot-whole")


@pytest.mark.slow
def test_five_methods_are_compared_and_a_finished_comparison_is_not_trained_again(
    command: Command, environment: dict[str, str]
) -> None:
    folder = Path(environment["HNSEG_ROOT"]) / "runs" / "cv" / "five"
    command(*ARMS)
    assert json.loads((folder / "manifest.json").read_text())["task"] == "arms"
    table = pd.read_csv(folder / "tables" / "table1.csv")
    assert {"CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN"} <= set(table.columns)
    assert (folder / "figures" / "fig2_boxplot.png").is_file()
    weights = folder / "arms" / "cm1cnn" / "folds" / "0" / "checkpoints" / "best.ckpt"
    entry = torch.load(weights, weights_only=True)["hnseg"]
    assert entry["clicks"]["channels"] == 1
    assert entry["threshold"] == read_manifest(weights.parents[1])["threshold"]
    before = weights.stat().st_mtime
    command(*ARMS)
    assert weights.stat().st_mtime == before
