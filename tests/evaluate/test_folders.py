import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate import folders
from hnseg.evaluate.folders import evaluate_folders
from hnseg.io import write_volume
from hnseg.io.phantom_marker import MARKER
from hnseg.types import BoxMm, Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0), (-5.0, 2.0, 100.0))


def mask(start: int, stop: int, grid: Grid = GRID, value: int = 1) -> Volume:
    array = np.zeros(grid.shape_zyx, np.uint8)
    array[2:6, 3:8, start:stop] = value
    return Volume(array, grid)


@pytest.fixture
def cohort(tmp_path) -> Path:
    """Truth in the layout of 2020; predictions that are perfect, shifted, missing and truncated; one without truth."""
    for case_id in ("CHUM001", "CHUM002", "CHUS003", "CHUS004"):
        write_volume(mask(2, 6), made(tmp_path / "truth" / case_id) / f"{case_id}_ct_gtvt.nii.gz")
        (tmp_path / "truth" / case_id / f"{case_id}_ct.nii.gz").write_bytes(b"an image, never read")
    predictions = made(tmp_path / "predictions")
    write_volume(mask(2, 6), predictions / "CHUM001.nii.gz")
    write_volume(mask(3, 7), predictions / "CHUM002.nii.gz")
    write_volume(mask(2, 6), predictions / "other.nii.gz")
    whole = (predictions / "CHUM001.nii.gz").read_bytes()
    (predictions / "CHUS004.nii.gz").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def evaluated(cohort: Path, **options) -> folders.EvaluationResult:
    return evaluate_folders(cohort / "predictions", cohort / "truth", cohort / "out", ["GTVt"], **options)


def test_every_patient_is_scored_missed_or_named(cohort) -> None:
    result = evaluated(cohort)
    dice = result.cases.set_index("case")["dice"]
    assert dice.to_dict() == {"CHUM001": 1, "CHUM002": 0.75, "CHUS003": 0, "CHUS004": 0}
    assert result.cases.set_index("case")["hd95_mm"].to_dict() == pytest.approx(
        {"CHUM001": 0, "CHUM002": 1, "CHUS003": np.inf, "CHUS004": np.inf}
    )
    assert result.missing == ("CHUS003",)
    assert list(result.failures) == ["CHUS004"]
    assert "CHUS004.nii.gz" in result.failures["CHUS004"]
    assert [path.name for path in result.unmatched] == ["other.nii.gz"]
    assert not result.complete
    centres = result.summary.set_index("centre")["dice_mean"]
    assert centres["CHUM"] == pytest.approx(0.875)
    assert centres["CHUS"] == 0


def test_tables_on_disk_hold_the_same(cohort) -> None:
    result = evaluated(cohort)
    pd.testing.assert_frame_equal(pd.read_csv(cohort / "out" / "cases.csv"), result.cases, check_dtype=False)
    assert len(pd.read_csv(cohort / "out" / "summary.csv")) == len(result.summary) == 4
    text = (cohort / "out" / "official.json").read_text()
    official = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert official["hecktor2021"]["GTVt"]["dice"] == pytest.approx(1.75 / 4)
    assert official["hecktor2021"]["GTVt"]["hd95_median_mm"] == "inf"
    assert official["missing"] == ["CHUS003"]
    assert official["phantom"] is False
    assert sorted(path.name for path in (cohort / "out").iterdir()) == ["cases.csv", "official.json", "summary.csv"]


@pytest.mark.parametrize("part", ["truth", "predictions"])
def test_a_phantom_is_marked_in_every_table(cohort, part) -> None:
    (cohort / part / MARKER).touch()
    assert evaluated(cohort).cases["phantom"].all()
    assert json.loads((cohort / "out" / "official.json").read_text())["phantom"] is True


def test_another_grid_fails_unless_resampling_is_asked_for(cohort) -> None:
    fine = Grid((24, 10, 12), (1.0, 1.0, 1.0), (-5.0, 2.0, 99.0))
    array = np.zeros(fine.shape_zyx, np.uint8)
    array[6:18, 3:8, 2:6] = 1
    write_volume(Volume(array, fine), cohort / "predictions" / "CHUM001.nii.gz")
    refused = evaluated(cohort)
    assert "put the prediction on the grid of the truth" in refused.failures["CHUM001"]
    assert refused.cases.set_index("case")["dice"]["CHUM001"] == 0
    assert evaluated(cohort, resample=True).cases.set_index("case")["dice"]["CHUM001"] == 1


def test_centres_from_a_table(cohort) -> None:
    result = evaluated(cohort, centres={"CHUM001": "north"})
    assert result.cases.set_index("case")["centre"].to_dict()["CHUM001"] == "north"
    assert result.cases.set_index("case")["centre"].to_dict()["CHUM002"] == "CHUM"


def test_unreadable_truth_has_no_rows_and_the_rest_go_on(cohort) -> None:
    (cohort / "truth" / "CHUM002" / "CHUM002_ct_gtvt.nii.gz").write_bytes(b"not an image")
    result = evaluated(cohort)
    assert "CHUM002" in result.failures
    assert "CHUM002" not in set(result.cases["case"])
    assert result.official["cases"] == 3


def test_a_mask_with_unnamed_values_fails_alone(cohort) -> None:
    write_volume(mask(2, 6, value=255), cohort / "predictions" / "CHUM001.nii.gz")
    result = evaluated(cohort)
    assert "255" in result.failures["CHUM001"]
    assert result.cases.set_index("case")["dice"]["CHUM002"] == 0.75


def test_nothing_readable_is_an_error(tmp_path) -> None:
    (made(tmp_path / "truth") / "a.nii.gz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="none of the 1 truths"):
        evaluate_folders(made(tmp_path / "predictions"), tmp_path / "truth", tmp_path / "out", ["GTVt"])


def test_boxes_leave_out_what_lies_outside(cohort) -> None:
    # x from -5 in steps of 1: the box keeps columns 5 to 11, one of four true columns
    box = BoxMm((0.0, 2.0, 100.0), (7.0, 12.0, 124.0))
    result = evaluated(cohort, boxes={"CHUM002": box})
    row = result.cases.set_index("case").loc["CHUM002"]
    assert row["truth_volume_mm3"] == pytest.approx(4 * 5 * 1 * 3.0)
    assert row["dice"] == pytest.approx(2 * 1 / (1 + 2))
    assert result.cases.set_index("case")["dice"]["CHUM001"] == 1
