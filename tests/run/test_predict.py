"""`hnseg predict` as it is typed: folds of a cross-validation, post-processing from four places, mirroring."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra.core.global_hydra import GlobalHydra

from hnseg.inference import InferenceSettings, checkpoint_entry
from hnseg.io import read_volume, write_volume
from hnseg.labels import LabelSet
from hnseg.postprocess import DropSmall, KeepLargest, Postprocess
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.prepare.recipe import Recipe
from hnseg.run.cli import main
from hnseg.run.predict import find_patients
from hnseg.types import Grid, Volume

GRID = Grid((12, 16, 16), (2.0, 2.0, 2.0))
KEEP = Postprocess({"keep_largest": KeepLargest()}).to_dict()
DROP_ALL = Postprocess({"drop_small": DropSmall(min_volume_mm3=1e6)}).to_dict()
LARGE, SMALL = 4 * 6 * 6, 2 * 2 * 2
"""Voxels of the two hot blocks of the patient."""


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """A folder with one patient, whose PET is hot (SUV 5) in two blocks."""
    pet = np.zeros(GRID.shape_zyx, np.float32)
    pet[2:6, 2:8, 2:8] = 5.0
    pet[8:10, 12:14, 12:14] = 5.0
    folder = tmp_path / "in"
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.int16), GRID), folder / "A_ct.nii.gz")
    write_volume(Volume(pet, GRID), folder / "A_pt.nii.gz")
    return folder


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run's folder with a network that is sure of what is above ``suv``."""

    def write(
        place: str, suv: float = 2.0, slope: float = 1.0, tta: Any = "none", axes: int = 3, **changes: Any
    ) -> Path:
        kernel, margin = [1] * (axes - 1) + [3], [0] * (axes - 1) + [1]
        network = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[axes](2, 1, kernel, padding=margin)
        torch.nn.init.zeros_(network.weight)
        network.weight.data[0, 1, ..., :2] = slope * torch.tensor([0.5, 1.0])  # what lies to the left counts, too
        network.bias.data[:] = -slope * suv
        entry = checkpoint_entry(
            net={"_target_": f"torch.nn.Conv{axes}d", "in_channels": 2, "out_channels": 1}
            | {"kernel_size": kernel, "padding": margin},
            labels=LabelSet(("GTVt",)),
            normalization=Normalization(("ct", "pt"), axes, ct=Standardise(0, 1), pt=Standardise(0, 1)),
            config={},
            **{
                "recipe": Recipe(spacing_mm=(2, 2, 2), regions=("image",)),
                "inference": InferenceSettings((16, 16, 16), "whole", tta=tta),
                **changes,
            },
        )
        state = {f"net.{name}": weight for name, weight in network.state_dict().items()}
        checkpoint = tmp_path / place / "checkpoints" / "best.ckpt"
        checkpoint.parent.mkdir(parents=True)
        torch.save({"state_dict": state, "hnseg": entry}, checkpoint)
        return tmp_path / place

    return write


@pytest.fixture
def predict(patient: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Says the command; returns what was printed (or the error, with another code) and how many voxels are outlined."""

    def say(checkpoint: object, *arguments: str, code: int = 0) -> tuple[str, int]:
        output = tmp_path / "out"
        given = [f"checkpoint={checkpoint}", f"input={patient}", f"output={output}", "trust=[torch.nn]", "device=cpu"]
        assert main(["predict", *given, *arguments]) == code
        shown = capsys.readouterr()
        if code:
            return shown.err, 0
        return shown.out, int((read_volume(output / "A.nii.gz").array > 0).sum())

    return say


def row(tmp_path: Path) -> dict[str, str]:
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        return next(csv.DictReader(file))


def test_the_checkpoints_chain_another_or_none(write_run, predict, tmp_path) -> None:
    run = write_run("runs/train/a", postprocess=KEEP)
    shown, carried = predict(run)
    assert "post-processing: keep_largest (as the checkpoints carry it)" in shown
    shown, raw = predict(run, "postprocess=none")
    assert "post-processing: none (chosen with postprocess=...)" in shown
    assert LARGE <= carried < raw
    assert raw - carried >= SMALL
    shown, left = predict(run, "postprocess=[drop_small,fill_holes]", "postprocess.drop_small.min_volume_mm3=1e6")
    assert "post-processing: drop_small, fill_holes (chosen" in shown
    assert left == 0
    chain = json.loads(row(tmp_path)["postprocess"])
    assert list(chain) == ["drop_small", "fill_holes"]
    assert chain["drop_small"]["min_volume_mm3"] == 1e6


def test_a_conditional_random_field_changes_the_mask_and_not_the_saved_probabilities(write_run, predict, tmp_path):
    run = write_run("a", slope=0.5)
    kept = predict(run, "postprocess=keep_largest", "save_probabilities=true")[1]
    saved = tmp_path / "out" / "probabilities" / "A_GTVt.nii.gz"
    before = read_volume(saved).array
    shown, refined = predict(run, "postprocess=[crf,keep_largest]", "save_probabilities=true")
    assert "post-processing: crf, keep_largest (chosen" in shown
    assert 0 < refined != kept
    assert np.array_equal(read_volume(saved).array, before)


def test_a_misspelt_setting_is_answered_with_the_right_spelling(write_run, predict) -> None:
    run = write_run("a")
    said, _ = predict(run, "postprocess=drop_small", "+postprocess.drop_small.min_volume_mm=1", code=2)
    assert "did you mean 'min_volume_mm3'?" in said
    said, _ = predict(run, "+postprocess.x={_target_: os.system, command: 'true'}", code=2)
    assert "os.system may not be built" in said


def cross_validation(folder: Path, names: list[str], tuned: dict[str, Any] | None = None) -> Path:
    (folder / "manifest.json").write_text(json.dumps({"task": "cv", "folds": names}))
    if tuned is not None:
        (folder / "postprocess.yaml").write_text(yaml.safe_dump(tuned))
    return folder


def test_the_folds_of_a_cross_validation_are_averaged(write_run, predict, tmp_path) -> None:
    for name, slope in (("x", 0.3), ("y", 3.0)):
        write_run(f"cv/folds/{name}", slope=slope)
    folder = cross_validation(tmp_path / "cv", ["x", "y"])
    shown, voxels = predict(folder, "save_probabilities=true")
    assert "2 checkpoints" in shown
    assert voxels > LARGE
    maps = tmp_path / "out" / "probabilities"
    mean, sd = (read_volume(maps / f"A_GTVt{end}.nii.gz").array for end in ("", "_sd"))
    logit = 5.0 * 1.5 - 2.0  # within a block
    sure, unsure = (1 / (1 + np.exp(-slope * logit)) for slope in (3.0, 0.3))
    assert mean[4, 5, 5] == pytest.approx((sure + unsure) / 2, abs=1e-5)
    assert sd[4, 5, 5] == pytest.approx((sure - unsure) / 2, abs=1e-5)
    inside = read_volume(tmp_path / "out" / "A.nii.gz").array > 0
    assert float(row(tmp_path)["GTVt_uncertainty"]) == pytest.approx(sd[inside].mean(), abs=1e-5)
    (tmp_path / "cv" / "folds" / "y" / "checkpoints" / "best.ckpt").unlink()
    said, _ = predict(folder, code=2)
    assert "fold y has no checkpoint yet" in said


def test_what_tuning_left_for_the_ensemble_goes_before_what_folds_carry(write_run, predict, tmp_path) -> None:
    folds = [write_run("cv/folds/x", postprocess=KEEP), write_run("cv/folds/y", postprocess=DROP_ALL)]
    folder = cross_validation(tmp_path / "cv", ["x", "y"], tuned=KEEP)
    shown, voxels = predict(folder)
    assert "post-processing: keep_largest (as tuned:" in shown
    assert str(folder / "postprocess.yaml") in shown
    assert voxels >= LARGE
    assert "post-processing: none" in predict(folder, "postprocess=none")[0]
    cross_validation(folder, ["x", "y"], tuned={})
    assert "post-processing: none (as tuned:" in predict(folder)[0]
    (folder / "postprocess.yaml").unlink()
    said, _ = predict(folder, code=2)
    assert "carry different post-processing" in said
    assert "postprocess=none" in said
    shown, voxels = predict(folds[1])  # a fold named by itself has its own chain
    assert "post-processing: drop_small (as the checkpoints carry it)" in shown
    assert voxels == 0


def test_two_cross_validations_that_were_tuned_apart(write_run, predict, tmp_path) -> None:
    for name in ("one", "two"):
        write_run(f"{name}/folds/x")
    one = cross_validation(tmp_path / "one", ["x"], tuned=KEEP)
    two = cross_validation(tmp_path / "two", ["x"], tuned=DROP_ALL)
    said, _ = predict(f"[{one},{two}]", code=2)
    assert "postprocess.yaml and" in said
    cross_validation(two, ["x"], tuned=KEEP)
    assert "2 checkpoints" in predict(f"[{one},{two}]")[0]
    (two / "postprocess.yaml").unlink()  # its fold carries no chain
    assert "carry different" in predict(f"[{one},{two}]", code=2)[0]
    assert "post-processing: none" in predict(f"[{one},{two}]", "postprocess=none")[0]


def test_mirroring_is_as_the_checkpoint_says_or_as_typed(write_run, predict) -> None:
    run = write_run("mirrored", suv=5.5, tta="mirror")
    plain, mirrored = predict(run, "tta=none")[1], predict(run)[1]
    assert plain != mirrored
    assert predict(write_run("plain", suv=5.5))[1] == plain
    assert predict(write_run("other", suv=5.5), "tta=mirror")[1] == mirrored
    assert "tta 'flip'" in predict(run, "tta=flip", code=2)[0]


@pytest.mark.parametrize(("said", "suffix"), [("true", "nii.gz"), ("nii.gz", "nii.gz"), ("nrrd", "nrrd")])
def test_a_file_a_structure_where_asked(write_run, predict, tmp_path, said, suffix) -> None:
    run = write_run("a")
    predict(run)
    assert not (tmp_path / "out" / "A").exists()
    predict(run, f"structure_files={said}")
    organ = read_volume(tmp_path / "out" / "A" / f"GTVt.{suffix}")
    assert organ.grid.matches(GRID)
    assert np.array_equal(organ.array, read_volume(tmp_path / "out" / "A.nii.gz").array)
    assert "'dcm' are not known" in predict(run, "structure_files=dcm", code=2)[0]


def test_2d_and_3d_networks_of_other_spacing_and_region_are_averaged(write_run, predict, tmp_path) -> None:
    slices = Recipe(spacing_mm=(2, 1, 1), regions=("image",), box_size_mm=None)
    flat = write_run("flat", slope=0.3, axes=2, recipe=slices, inference=InferenceSettings(None, view="slices"))
    solid = write_run("solid", slope=3.0)
    maps = tmp_path / "out" / "probabilities" / "A_GTVt.nii.gz"
    alone = []
    for run in (flat, solid):
        predict(run, "save_probabilities=true")
        alone.append(read_volume(maps).array)
    shown, voxels = predict(f"[{flat},{solid}]", "save_probabilities=true", "structure_files=true")
    assert "2 checkpoints" in shown
    assert "at 2 x 1 x 1 mm: box: the whole CT" in shown
    mean, sd = read_volume(maps).array, read_volume(maps.with_name("A_GTVt_sd.nii.gz")).array
    np.testing.assert_allclose(mean, (alone[0] + alone[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(sd, np.abs(alone[0] - alone[1]) / 2, atol=1e-6)
    assert voxels == (mean > 0.5).sum() > LARGE
    assert int(read_volume(tmp_path / "out" / "A" / "GTVt.nii.gz").array.sum()) == voxels
    inside = read_volume(tmp_path / "out" / "A.nii.gz").array > 0
    assert float(row(tmp_path)["GTVt_uncertainty"]) == pytest.approx(sd[inside].mean(), abs=1e-5)
    shown, kept = predict(f"[{flat},{solid}]", "postprocess=[crf,keep_largest]")
    assert "post-processing: crf, keep_largest" in shown
    assert 0 < kept < voxels
    assert "needs a window_zyx" in predict(f"[{flat},{solid}]", "mode=sliding_window", code=2)[0]


CLICKS = "case,x,y,z,frame,kind\nA,25,25,17,LPS,positive\n"
"""In the smaller of the patient's two hot blocks, voxels 12 to 13 of 2 mm."""


def test_clicks_for_a_filter_from_a_table_and_from_slicer(write_run, predict, tmp_path) -> None:
    run = write_run("a")
    raw = predict(run)[1]
    table, lists = tmp_path / "clicks.csv", tmp_path / "lists"
    table.write_text(CLICKS)
    lists.mkdir()
    controls = [{"label": "tumour-1", "position": [-25, -25, 17], "positionStatus": "defined"}]
    markups = {"markups": [{"type": "Fiducial", "coordinateSystem": "RAS", "controlPoints": controls}]}
    (lists / "A_tumour.mrk.json").write_text(json.dumps(markups))
    kept = predict(run, "postprocess=click_filter", f"clicks={table}")[1]
    assert SMALL <= kept < raw - LARGE / 2
    assert (row(tmp_path)["clicks"], row(tmp_path)["clicked"]) == ("1", "positive LPS 25.0 25.0 17.0")
    assert predict(run, "postprocess=click_filter", f"clicks={lists}", "continue_output=true")[1] == kept
    assert row(tmp_path)["clicked"] == "positive LPS 25.0 25.0 17.0 tumour-1 tumour"
    assert predict(run, "postprocess=click_filter")[1] == raw


def test_clicks_that_are_of_no_use(write_run, predict, tmp_path) -> None:
    run, table = write_run("a"), tmp_path / "clicks.csv"
    table.write_text(CLICKS)
    assert "postprocess=click_filter" in predict(run, f"clicks={table}", code=2)[0]
    table.write_text(CLICKS.replace("LPS", ""))
    assert f"{table}, line 2: expected the frame" in predict(run, f"clicks={table}", code=2)[0]
    table.write_text(CLICKS + "B,25,25,17,LPS,positive\n")
    predict(run, "postprocess=click_filter", f"clicks={table}", code=1)
    assert int((read_volume(tmp_path / "out" / "A.nii.gz").array > 0).sum()) >= SMALL


def test_a_fresh_clone_outlines_what_is_clicked_on(predict, tmp_path) -> None:
    (tmp_path / "clicks.csv").write_text(CLICKS)
    shown, voxels = predict("pet_threshold", f"clicks={tmp_path / 'clicks.csv'}")
    assert "1 checkpoint: pet_threshold" in shown
    assert SMALL <= voxels < LARGE
    assert row(tmp_path)["GTV_ml"] == f"{voxels * 8 / 1000:g}"
    assert predict("pet_threshold")[1] == 0


def test_pet_alone_is_found_in_the_folders_of_the_turku_study(tmp_path: Path) -> None:
    for name in ("2_anon/2_nifti_pet/2_nifti_pet", "30/30_nifti_pet/30_nifti_pet"):
        for suffix in (".img", ".hdr"):
            path = (tmp_path / name).with_suffix(suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert [study.case_id for study in find_patients(tmp_path, ("pt",)).studies] == ["2", "30"]
    with pytest.raises(ValueError, match="no images found"):
        find_patients(tmp_path, ("ct", "pt"))
