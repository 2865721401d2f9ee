from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding
from hnseg.io import read_rows
from hnseg.labels import LabelSet
from hnseg.report import write_manifest
from hnseg.run.slice_clicks import component_clicks
from hnseg.run.slice_scores import write_slice_scores
from tests.run.slice_cases import BIG, SMALL, SPECK, write_slices

RANDOM = ClickChannels(PointEncoding(), 1, 0, 1, spatial_dims=2, simulate="random", most=None)


class Above:
    """In a predictor's place: outlines what is above SUV 2, and keeps the clicks that it was shown."""

    def __init__(self, clicks=None) -> None:
        self.labels, self.threshold = LabelSet(("GTV",), "identity"), 0.3
        self.click_channels, self.shown = (clicks or NoClicks(),), []

    def predict_prepared(self, image, progress=None, clicks=None):
        self.shown.append(clicks)
        return torch.where(image > 2, 0.31, 0.3)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_manifest(tmp_path / "run", seed=131)
    return tmp_path / "run"


@pytest.fixture
def cases(tmp_path: Path) -> list:
    first = write_slices(tmp_path, "NA", [(0, SPECK), (1, BIG), (3, SMALL)], hot=[(1, SMALL), (2, BIG), (3, BIG)])
    return [first, write_slices(tmp_path, "B", [(1, BIG)])]


def test_slices_worked_by_hand(run: Path, cases: list) -> None:
    write_slice_scores(run, cases, Above())
    rows = pd.read_csv(run / "slices.csv", keep_default_na=False)
    names = ["case", "slice", "pixels", "predicted_pixels", "dice", "dice_filtered_centre", "dice_filtered_random"]
    assert list(rows.columns) == [*names, "phantom"]
    assert rows[names[:4]].to_numpy().tolist() == [["NA", 1, 16, 22], ["NA", 3, 6, 22], ["B", 1, 16, 16]]
    assert rows["dice"].tolist() == pytest.approx([32 / 38, 12 / 28, 1])
    # the heat beside the tumour has no click; a tumour alone stays what it is
    assert rows["dice_filtered_centre"].tolist() == rows["dice_filtered_random"].tolist() == [1, 1, 1]
    assert rows["phantom"].all()


def test_slices_without_tumour_say_what_is_outlined_there(run: Path, cases: list) -> None:
    write_slice_scores(run, cases, Above())
    empty = read_rows(
        run / "empty_slices.csv", required=("case", "slice", "predicted_pixels", "predicted_ml", "phantom")
    )
    found = [(row["case"], row["slice"], row["predicted_pixels"], float(row["predicted_ml"])) for row in empty]
    assert found == [("NA", "2", "16", 0.32), *(("B", str(z), "0", 0.0) for z in (0, 2, 3))]  # a pixel is 20 mm3


def test_the_pictures_are_in_the_order_of_the_rows(run: Path, cases: list) -> None:
    write_slice_scores(run, cases, Above())
    with np.load(run / "slices.npz", allow_pickle=False) as stored:
        assert stored["case"].tolist() == ["NA", "NA", "B"]
        assert stored["slice"].tolist() == [1, 3, 1]
        assert stored["image"].shape == stored["truth"].shape == stored["prediction"].shape == (3, 16, 16)
        assert (stored["image"].dtype, stored["truth"].dtype, stored["prediction"].dtype) == ("<f2", "|u1", "|u1")
        assert np.array_equal(stored["truth"][1], cases[0].label[3])
        assert np.array_equal(stored["prediction"] > 0, stored["image"] > 2)


def test_a_network_that_takes_clicks_is_shown_those_of_the_filter_and_is_not_filtered(run: Path, cases: list) -> None:
    predictor = Above(RANDOM)
    write_slice_scores(run, cases, predictor)
    assert "dice_filtered_centre" not in pd.read_csv(run / "slices.csv").columns
    for case, shown in zip(cases, predictor.shown, strict=True):
        assert np.array_equal(shown.index, component_clicks(case, "random", 131).index)


def test_a_click_off_what_is_outlined_leaves_nothing(run: Path, tmp_path: Path) -> None:
    ring = write_slices(tmp_path, "R", [(0, np.s_[4:11, 4:11])])
    hollow = Above()
    around = torch.zeros(4, 16, 16)
    around[0, 4:11, 4:11] = 1
    around[0, 6:9, 6:9] = 0  # not at the centre, where the click is
    around[0, 0, 0] = 1
    hollow.predict_prepared = lambda *_, **__: around[None]
    write_slice_scores(run, [ring], hollow)
    (row,) = read_rows(run / "slices.csv")
    assert float(row["dice"]) == pytest.approx(2 * 40 / (49 + 41))
    assert float(row["dice_filtered_centre"]) == 0


def test_the_random_click_of_the_filter_is_that_of_the_runs_seed(run: Path, tmp_path: Path) -> None:
    case = write_slices(tmp_path, "R", [(0, np.s_[4:11, 4:11])])
    (_, y, x) = component_clicks(case, "random", 131).index[0].astype(int)
    assert (y, x) != (7, 7)  # the centre
    pixels = torch.zeros(1, 4, 16, 16)
    pixels[0, 0, y, x] = pixels[0, 0, 0, 0] = 1
    predictor = Above()
    predictor.predict_prepared = lambda *_, **__: pixels
    write_slice_scores(run, [case], predictor)
    (row,) = read_rows(run / "slices.csv")
    assert float(row["dice_filtered_random"]) == pytest.approx(2 / 50)
    assert float(row["dice_filtered_centre"]) == 0


def test_without_any_slice_the_tables_are_empty_and_there(run: Path, tmp_path: Path) -> None:
    write_slice_scores(run, [write_slices(tmp_path, "E", [(0, SPECK)])], Above(RANDOM), least_pixels=6)
    assert (run / "slices.csv").read_text() == "case,slice,pixels,predicted_pixels,dice,phantom\n"
    assert len(read_rows(run / "empty_slices.csv")) == 3
    with np.load(run / "slices.npz", allow_pickle=False) as stored:
        assert len(stored["case"]) == len(stored["image"]) == 0
    assert not list(run.glob(".*part*"))
