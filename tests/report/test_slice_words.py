from pathlib import Path

import pandas as pd
import pytest

from hnseg.io import write_rows
from hnseg.report import write_manifest
from hnseg.report.run_folder import RunFolder
from hnseg.report.slice_words import slice_sentences


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_manifest(tmp_path, name="a", task="train", finished=True)
    return tmp_path


def said(run: Path) -> list[tuple[str, bool]]:
    return [tuple(sentence) for sentence in slice_sentences(RunFolder.open(run))]


def test_a_run_without_slices_and_clicks_says_nothing(run: Path) -> None:
    assert said(run) == []


def test_slices_and_the_threshold_are_said(run: Path) -> None:
    write_manifest(run, threshold=0.23, threshold_median_dice=0.71)
    dice = (0.2, 0.6, 0.7)
    write_rows(run / "slices.csv", [{"case": c, "slice": 1, "dice": d} for c, d in zip("aab", dice, strict=True)])
    empty = [
        {"case": "a", "slice": z, "predicted_pixels": p, "predicted_ml": p / 4} for z, p in enumerate((0, 0, 0, 6))
    ]
    write_rows(run / "empty_slices.csv", empty)
    first, second, third = said(run)
    assert first == ("The threshold 0.23 was chosen on the training slices, whose median Dice it makes 0.710.", False)
    assert "3 slices with a tumour, of 2 patients, the median Dice is 0.600 (SD 0.265)" in second[0]
    assert third == ("In 25% of 4 slices without a tumour something is outlined, 1.50 ml in the median.", False)


def test_a_network_that_outlines_something_nearly_everywhere_is_a_warning(run: Path) -> None:
    rows = [{"case": "a", "slice": z, "predicted_pixels": 1, "predicted_ml": 0.1} for z in range(3)]
    write_rows(run / "empty_slices.csv", rows)
    assert said(run) == [("In 100% of 3 slices without a tumour something is outlined, 0.10 ml in the median.", True)]


@pytest.mark.parametrize(("clicks", "warned"), [(2, True), (0, False)])
def test_clicks_of_the_test_are_called_an_oracles(run: Path, clicks: int, warned: bool) -> None:
    row = {"case": "a", "structure": "GTV", "dice": 0.5, "clicks": clicks}
    pd.DataFrame([row]).to_csv(run / "cases.csv", index=False)
    assert [warning for _, warning in said(run)] == [True] * warned


def test_a_chain_that_was_scored_with_clicks_is_an_oracles_too(run: Path) -> None:
    (run / "postprocessed").mkdir()
    row = {"case": "a", "structure": "GTV", "dice": 0.5, "clicks": 3}
    pd.DataFrame([row]).to_csv(run / "postprocessed" / "cases.csv", index=False)
    ((text, warning),) = said(run)
    assert text.startswith("Post-processing was scored with clicks that were placed by the truth")
    assert warning
