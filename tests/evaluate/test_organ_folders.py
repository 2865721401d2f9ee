import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.organ_files import Naming
from hnseg.evaluate.organ_folders import (
    OrganScores,
    OrganScoring,
    has_organ_folders,
    score_organ_folders,
    write_organ_scores,
)
from hnseg.io import write_volume
from hnseg.io.phantom_marker import MARKER
from hnseg.types import Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0), (-5.0, 2.0, 100.0))
NAMES = ("BrainStem", "Chiasm", "Mandible")
NAMING = Naming(NAMES)


def mask(start: int, stop: int, value: int = 1, grid: Grid = GRID) -> Volume:
    array = np.zeros(grid.shape_zyx, np.uint8)
    array[2:6, 3:8, start:stop] = value
    return Volume(array, grid)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Two patients; the second has no chiasm annotated, and its brain stem overlaps its mandible."""
    for name, columns in (("BrainStem", (2, 6)), ("Chiasm", (7, 8)), ("Mandible", (9, 12))):
        write_volume(mask(*columns), made(tmp_path / "truth" / "a" / "structures") / f"{name}.nrrd")
    for name, columns in (("brainstem", (2, 6)), ("Mandible", (4, 8))):
        write_volume(mask(*columns), made(tmp_path / "truth" / "b" / "structures") / f"{name}.nrrd")
    made(tmp_path / "predictions")
    return tmp_path


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def predict(cohort: Path, case_id: str, **columns: tuple[int, int]) -> None:
    for name, (start, stop) in columns.items():
        write_volume(mask(start, stop), made(cohort / "predictions" / case_id) / f"{name}.nii.gz")


def scored(cohort: Path, *, prediction_folders: tuple[str, ...] = (), **options) -> OrganScores:
    scoring = OrganScoring(NAMING, **options)
    return score_organ_folders(cohort / "predictions", cohort / "truth", scoring, prediction_folders=prediction_folders)


def column(scores: OrganScores, name: str) -> dict[tuple[str, str], float]:
    return scores.cases.set_index(["case", "structure"])[name].to_dict()


def test_pddca_is_known_by_its_folders(cohort) -> None:
    assert has_organ_folders(cohort / "truth")
    assert not has_organ_folders(cohort / "predictions")


def test_what_nobody_annotated_has_no_row_whatever_is_predicted(cohort) -> None:
    predict(cohort, "a", BrainStem=(2, 6), Chiasm=(7, 8), Mandible=(9, 12))
    predict(cohort, "b", BrainStem=(3, 7), Chiasm=(0, 12), Mandible=(4, 8))
    scores = scored(cohort)
    assert column(scores, "dice") == {
        ("a", "BrainStem"): 1,
        ("a", "Chiasm"): 1,
        ("a", "Mandible"): 1,
        ("b", "BrainStem"): 0.75,
        ("b", "Mandible"): 1,
    }
    assert (scores.failures, scores.missing, scores.absent) == ({}, (), ())
    assert column(scores, "tolerance_mm")["a", "Mandible"] == 1.01


def test_structures_that_overlap_stay_whole(cohort) -> None:
    predict(cohort, "b", BrainStem=(2, 6), Mandible=(4, 8))  # columns 4 and 5 are of both
    dice = column(scored(cohort), "dice")
    assert dice["b", "BrainStem"] == dice["b", "Mandible"] == 1


def test_a_label_map_of_hnseg_is_a_prediction_too(cohort) -> None:
    labels = mask(2, 6)
    labels.array[2:6, 3:8, 6:8] = 3
    write_volume(labels, cohort / "predictions" / "b.nii.gz")
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.uint8), GRID), cohort / "predictions" / "a.nii.gz")
    scores = scored(cohort)
    dice = column(scores, "dice")
    assert dice["b", "BrainStem"] == 1
    assert dice["b", "Mandible"] == pytest.approx(2 * 2 / (2 + 4))
    assert dice["a", "Chiasm"] == 0
    assert scores.absent == ()


def test_an_organ_that_was_not_predicted_counts_as_empty_and_is_named(cohort) -> None:
    predict(cohort, "a", BrainStem=(2, 6), Mandible=(9, 12))
    predict(cohort, "b", BrainStem=(2, 6), Mandible=(4, 8))
    scores = scored(cohort)
    assert scores.absent == ("a, Chiasm",)
    row = scores.cases.set_index(["case", "structure"]).loc[("a", "Chiasm")]
    assert (row["dice"], row["dice_slices"], row["hd95_mm"], row["answered"]) == (0, 0, np.inf, True)


def test_a_patient_without_prediction_is_a_miss_in_every_organ(cohort) -> None:
    predict(cohort, "a", BrainStem=(2, 6), Chiasm=(7, 8), Mandible=(9, 12))
    scores = scored(cohort)
    assert scores.missing == ("b",)
    assert column(scores, "dice")["b", "Mandible"] == 0
    assert not column(scores, "answered")["b", "Mandible"]
    assert column(scores, "truth_volume_mm3")["b", "Mandible"] == 4 * 5 * 4 * 3.0


def test_a_second_reader_misses_nothing_by_not_outlining_it(cohort) -> None:
    predict(cohort, "a", BrainStem=(3, 7))
    scores = scored(cohort, second_reader=True)
    assert column(scores, "dice") == {("a", "BrainStem"): 0.75}
    assert scores.absent == ("a, Chiasm", "a, Mandible")
    assert scores.missing == ("b",)


def test_two_readers_in_one_tree(cohort) -> None:
    write_volume(mask(3, 7), made(cohort / "truth" / "a" / "second") / "Brainstem.nrrd")
    scoring = OrganScoring(NAMING, second_reader=True)
    scores = score_organ_folders(cohort / "truth", cohort / "truth", scoring, prediction_folders=("second",))
    assert column(scores, "dice") == {("a", "BrainStem"): 0.75}


def test_an_annotated_empty_truth_is_no_missing_annotation(cohort) -> None:
    write_volume(mask(0, 0), cohort / "truth" / "a" / "structures" / "Chiasm.nrrd")
    predict(cohort, "a", BrainStem=(2, 6), Chiasm=(7, 8), Mandible=(9, 12))
    row = scored(cohort).cases.set_index(["case", "structure"]).loc[("a", "Chiasm")]
    assert (row["dice"], row["hd95_mm"], row["truth_volume_mm3"]) == (0, np.inf, 0)
    assert np.isnan(row["dice_slices"])
    predict(cohort, "a", Chiasm=(0, 0))
    assert column(scored(cohort), "dice")["a", "Chiasm"] == 1


def test_bad_files_spoil_their_own_organ_only(cohort) -> None:
    predict(cohort, "a", BrainStem=(2, 6), Chiasm=(7, 8), Mandible=(9, 12))
    predict(cohort, "b", BrainStem=(2, 6), Mandible=(4, 8))
    (cohort / "predictions" / "a" / "Chiasm.nii.gz").write_bytes(b"nothing")
    (cohort / "truth" / "b" / "structures" / "Mandible.nrrd").write_bytes(b"nothing")
    scores = scored(cohort)
    assert list(scores.failures) == ["a, Chiasm", "b, Mandible"]
    assert "Chiasm.nii.gz" in scores.failures["a, Chiasm"]
    dice = column(scores, "dice")
    assert dice["a", "Chiasm"] == 0  # a prediction that cannot be read is a miss
    assert ("b", "Mandible") not in dice  # without truth there is nothing to say
    assert dice["a", "BrainStem"] == dice["b", "BrainStem"] == 1


def test_another_grid_fails_unless_resampling_is_asked_for(cohort) -> None:
    fine = Grid((24, 10, 12), (1.0, 1.0, 1.0), (-5.0, 2.0, 99.0))
    array = np.zeros(fine.shape_zyx, np.uint8)
    array[6:18, 3:8, 2:6] = 1
    write_volume(Volume(array, fine), made(cohort / "predictions" / "a") / "BrainStem.nii.gz")
    refused = scored(cohort)
    assert "put the prediction on the grid of the truth" in refused.failures["a, BrainStem"]
    assert column(refused, "dice")["a", "BrainStem"] == 0
    assert column(scored(cohort, resample=True), "dice")["a", "BrainStem"] == 1


def test_tables_on_disk_hold_the_same(cohort) -> None:
    predict(cohort, "a", BrainStem=(2, 6), Mandible=(9, 12))
    scores = scored(cohort, centres={"a": "PDDCA", "b": "other"})
    organs = write_organ_scores(scores, cohort / "out", NAMES, 2)
    written = {path.name for path in (cohort / "out").iterdir()}
    assert written == {"cases.csv", "summary.csv", "organs.csv", "evaluation.json"}
    pd.testing.assert_frame_equal(pd.read_csv(cohort / "out" / "cases.csv"), scores.cases, check_dtype=False)
    assert len(pd.read_csv(cohort / "out" / "organs.csv")) == len(organs) == 3 * 3 + 3
    assert set(scores.cases["centre"]) == {"PDDCA", "other"}
    noted = json.loads((cohort / "out" / "evaluation.json").read_text())
    assert noted == {"failures": {}, "missing": ["b"], "absent": ["a, Chiasm"], "least_n": 2, "phantom": False}


@pytest.mark.parametrize("part", ["truth", "predictions"])
def test_a_phantom_is_marked_in_every_table(cohort, part) -> None:
    predict(cohort, "a", BrainStem=(2, 6))
    (cohort / part / MARKER).touch()
    write_organ_scores(scored(cohort), cohort / "out", NAMES, 1)
    for name in ("cases", "summary", "organs"):
        assert pd.read_csv(cohort / "out" / f"{name}.csv")["phantom"].all()
    assert json.loads((cohort / "out" / "evaluation.json").read_text())["phantom"] is True


def test_what_cannot_be_scored_at_all_is_an_error(cohort) -> None:
    with pytest.raises(ValueError, match="has no folder CASE/nothing"):
        score_organ_folders(cohort / "predictions", cohort / "truth", OrganScoring(NAMING), truth_folders=("nothing",))
    with pytest.raises(ValueError, match="could be scored"):
        scored(cohort, second_reader=True)
    with pytest.raises(ValueError, match="tolerance_mm of BrainStem"):
        OrganScoring(NAMING, tolerance_mm=-1)


def test_patients_may_lie_in_the_folders_of_their_sources(cohort: Path) -> None:
    (cohort / "sources" / "one").mkdir(parents=True)
    (cohort / "truth").rename(cohort / "sources" / "one" / "half")
    other = made(cohort / "sources" / "two")
    (cohort / "sources" / "one" / "half" / "b").rename(other / "b")
    (cohort / "sources" / "one" / "half" / "a").rename(cohort / "sources" / "one" / "a")
    predict(cohort, "a", BrainStem=(2, 6))
    predict(cohort, "b", BrainStem=(2, 6))
    assert has_organ_folders(cohort / "sources")
    scores = score_organ_folders(cohort / "predictions", cohort / "sources", OrganScoring(NAMING))
    assert set(scores.cases["case"]) == {"a", "b"}
    assert scores.cases.set_index(["case", "structure"])["dice"]["b", "BrainStem"] == 1


def test_one_name_in_two_sources_is_refused(cohort: Path) -> None:
    for source in ("one", "two"):
        write_volume(mask(2, 6), made(cohort / "sources" / source / "a" / "structures") / "BrainStem.nrrd")
    predict(cohort, "a", BrainStem=(2, 6))
    with pytest.raises(ValueError, match="are of one name; evaluate them apart"):
        score_organ_folders(cohort / "predictions", cohort / "sources", OrganScoring(NAMING))
