import json
from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.rescore import score_sources
from hnseg.evaluate.sources import open_sources
from hnseg.io import write_rows, write_volume
from hnseg.prepare import Case
from hnseg.prepare.case import write_case
from hnseg.types import BoxMm, Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0), (-5.0, 2.0, 100.0))
PREPARED = Grid((4, 5, 6), (6.0, 2.0, 2.0), (-4.5, 2.5, 101.5))


def mask(start: int, stop: int, value: int = 1) -> Volume:
    array = np.zeros(GRID.shape_zyx, np.uint8)
    array[2:6, 3:8, start:stop] = value
    return Volume(array, GRID)


def write_prepared(folder: Path, case_id: str, annotated: tuple[bool, ...]) -> str:
    label = np.zeros(PREPARED.shape_zyx, np.uint8)
    facts = {"centre": "North", "part": "train", "modalities": (), "notes": (), "sources": {}, "phantom": False}
    facts |= {"grid": PREPARED, "image_grid": GRID, "box": BoxMm((0, 0, 0), (1, 1, 1)), "key": case_id}
    names = ("GTVp", "GTVn")
    case = Case(folder=folder / case_id, case_id=case_id, annotated=annotated, label_names=names, **facts)
    case.folder.mkdir(parents=True)
    write_case(case.folder, case, {}, label, mask(2, 6).array)
    return str(case.folder)


@pytest.fixture
def run(tmp_path) -> Path:
    """A run with three scored patients, of whom one has no nodes outlined; a fourth is prepared without any outline."""
    folder = tmp_path / "mine"
    known = {"a": (True, True), "b": (True, False), "c": (True, True), "d": (False, False)}
    cases = {case_id: write_prepared(tmp_path / "cache", case_id, annotated) for case_id, annotated in known.items()}
    write_rows(folder / "cases.csv", [{"case": c, "structure": "GTVp", "dice": 0.5} for c in "abcd"])
    for case_id in "abc":
        write_volume(mask(2, 6), folder / "predictions" / f"{case_id}.nii.gz")
    (folder / "manifest.json").write_text(json.dumps({"cases": cases}))
    (folder / "config.yaml").write_text("data: {label_names: [GTVp, GTVn]}\n")
    return folder


@pytest.fixture
def masks(tmp_path) -> Path:
    """Somebody else's masks: perfect, shifted, unreadable, of a patient without truth, and of one not in the run."""
    folder = tmp_path / "theirs"
    for case_id, start in (("a", 2), ("b", 3), ("d", 2), ("z", 2)):
        write_volume(mask(start, start + 4), folder / f"{case_id}.nii.gz")
    (folder / "c.nii.gz").write_bytes(b"not an image")
    return folder


def test_masks_are_scored_against_a_runs_truth_on_the_patients_grid(run, masks) -> None:
    found = score_sources(open_sources([run, masks]))
    theirs = found.rows["theirs"].set_index(["case", "structure"])
    assert theirs["dice"].to_dict() == {("a", "GTVp"): 1, ("a", "GTVn"): 1, ("b", "GTVp"): 0.75}
    assert set(theirs["centre"]) == {"North"}
    assert found.rows["mine"][["case", "dice"]].to_numpy().tolist() == [["a", 0.5], ["b", 0.5]]
    assert list(found.left_out) == ["c", "d", "z"]
    assert found.left_out["c"].startswith("theirs: ")
    assert "nobody outlined" in found.left_out["d"]
    assert found.left_out["z"] == "not in mine"


def test_with_a_truth_of_their_own_all_masks_are_scored_anew(run, masks, tmp_path) -> None:
    for case_id in "ab":
        write_volume(mask(3, 7), tmp_path / "truth" / f"{case_id}.nii.gz")
    (masks / "c.nii.gz").unlink()
    found = score_sources(open_sources([run, masks]), tmp_path / "truth")
    dice = {name: rows.groupby("case")["dice"].min().to_dict() for name, rows in found.rows.items()}
    assert dice == {"mine": {"a": 0.75, "b": 0.75}, "theirs": {"a": 0.75, "b": 1}}
    assert found.left_out == {"c": "not in theirs", "d": "not in mine", "z": "not in mine"}


def test_two_folders_need_truth_and_names(masks, tmp_path) -> None:
    other = tmp_path / "other"
    write_volume(mask(2, 6), other / "a.nii.gz")
    sources = open_sources([masks, other])
    with pytest.raises(ValueError, match="label_names"):
        score_sources(sources)
    with pytest.raises(ValueError, match="truth=DIR"):
        score_sources(sources, label_names=["GTVp", "GTVn"])
    assert score_sources(sources, other, ["GTVt"]).rows["theirs"]["dice"].tolist() == [1]


def test_patients_without_truth_are_named(masks, tmp_path) -> None:
    write_volume(mask(2, 6), tmp_path / "truth" / "a.nii.gz")
    (tmp_path / "copy").mkdir()
    for path in masks.iterdir():
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    found = score_sources(open_sources([masks, tmp_path / "copy"]), tmp_path / "truth", ["GTVt"])
    assert found.left_out == dict.fromkeys("bcdz", "no truth")


def test_nobody_to_compare_is_an_error_that_says_why(run, tmp_path) -> None:
    other = tmp_path / "other"
    write_volume(mask(2, 6), other / "z.nii.gz")
    with pytest.raises(ValueError, match="no patient can be compared: a: not in other; b: not in other"):
        score_sources(open_sources([run, other]))


def test_a_mask_on_the_prepared_grid_needs_resampling(run, tmp_path) -> None:
    array = np.zeros(PREPARED.shape_zyx, np.uint8)
    array[1:3, 2:4, 1:3] = 1
    write_volume(Volume(array, PREPARED), tmp_path / "nnunet" / "a.nii.gz")
    sources = open_sources([run, tmp_path / "nnunet"])
    with pytest.raises(ValueError, match="no patient"):
        score_sources(sources)
    rows = score_sources(sources, resample=True).rows["nnunet"].set_index("structure")
    # four of five rows of the truth in y, all of it in x and z
    assert rows["dice"]["GTVp"] == pytest.approx(2 * 4 / (4 + 5))
    assert rows["truth_volume_mm3"]["GTVp"] == 4 * 5 * 4 * 3.0
