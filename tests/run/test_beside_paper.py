import json
from pathlib import Path

import pandas as pd
import pytest

from hnseg.prepare.organs import PDDCA
from hnseg.run.beside_paper import as_text, beside, paper_and_ours, results_of
from hnseg.run.published_tables import paper_table

PAPER = pd.DataFrame(
    [{"row": "CHUS", "n": 72, "dice_mean": 0.744, "dice_sd": 0.206}, {"row": "mean", "dice_mean": 0.7}]
)
COLUMNS = ("n", "dice_mean", "dice_sd")
OURS = pd.DataFrame([{"row": "mean", "dice_mean": 0.5, "more": 1}, {"row": "CHUP", "n": 3, "dice_mean": 0.25}])


def test_paper_and_ours_stand_below_each_other() -> None:
    table = beside(PAPER, OURS, COLUMNS)
    assert table[["row", "of"]].to_numpy().tolist() == [
        ["CHUS", "paper"],
        ["mean", "paper"],
        ["mean", "hnseg"],
        ["CHUP", "hnseg"],
    ]
    assert table["dice_mean"].tolist() == [0.744, 0.7, 0.5, 0.25]
    assert "more" not in table


def test_what_is_not_there_is_empty_and_never_nought() -> None:
    lines = as_text(beside(PAPER, OURS.assign(dice_sd=[0.1, None]), COLUMNS)).splitlines()
    assert lines[0].split() == ["of", "n", "dice"]
    assert lines[1].split() == ["CHUS", "paper", "72", "0.744", "±", "0.206"]
    assert lines[2].split() == ["mean", "paper", "0.700"]
    assert lines[3].split() == ["mean", "hnseg", "0.500", "±", "0.100"]
    assert lines[4].split() == ["CHUP", "hnseg", "3", "0.250"]


def rows(fold: str, centre: str, dice: list[float], structure: str = "GTVt") -> pd.DataFrame:
    """Rows of a fold, a patient a Dice; precision is not defined for the first."""
    scores = {"dice": dice, "precision": [None, *dice[1:]], "recall": dice, "hd95_mm": [float("inf"), *dice[1:]]}
    about = {"case": [f"{centre}{i}" for i in range(len(dice))], "centre": centre, "structure": structure, "fold": fold}
    return pd.DataFrame(about | scores)


@pytest.fixture
def crossed(tmp_path: Path) -> Path:
    """A cross-validation over two centres and two random splits; the second centre is called NA."""
    parts = [rows("CHUS", "CHUS", [0.5, 0.7]), rows("NA", "NA", [0.2, 0.4])]
    parts += [rows("random_0", "CHUS", [0.9, 0.9]), rows("random_1", "NA", [0.8, 0.8])]
    pd.concat(parts).to_csv(tmp_path / "cases.csv", index=False, na_rep="nan")
    (tmp_path / "manifest.json").write_text(json.dumps({"phantom": True, "finished": True}))
    return tmp_path


def test_centres_and_random_splits_stand_beside_the_papers(crossed: Path) -> None:
    shown = paper_and_ours(paper_table("iantsen2020_senorm", 1), crossed, ["GTVt"])
    lines = [line.split() for line in shown.splitlines()]
    assert ["CHUS", "paper", "72", "0.744", "±", "0.206", "0.763", "±", "0.248", "0.788", "±", "0.226"] in lines
    assert ["CHUS", "hnseg", "2", "0.600", "±", "0.141", "0.700", "0.600", "±", "0.141"] in lines
    assert ["NA", "hnseg", "2", "0.300", "±", "0.141", "0.400", "0.300", "±", "0.141"] in lines
    assert any(line[:6] == ["mean", "of", "centres", "hnseg", "4", "0.450"] for line in lines)
    assert any(line[:6] == ["mean", "of", "random", "splits", "hnseg", "4"] and "0.850" in line for line in lines)
    assert any(line[:6] == ["mean", "of", "random", "splits", "paper", "0.757"] for line in lines)
    table = pd.read_csv(crossed / "tables" / "iantsen2020_senorm-table1.csv")
    assert set(table.loc[table["phantom"], "of"]) == {"hnseg"}
    assert set(table.loc[~table["phantom"], "of"]) == {"paper"}


def test_phantoms_and_unfinished_runs_are_said_to_be(crossed: Path) -> None:
    table = paper_table("iantsen2020_senorm", 1)
    assert "PHANTOM" in paper_and_ours(table, crossed, ["GTVt"])
    assert "NOT FINISHED" not in paper_and_ours(table, crossed, ["GTVt"])
    (crossed / "manifest.json").write_text(json.dumps({"phantom": False, "finished": False}))
    shown = paper_and_ours(table, crossed, ["GTVt"])
    assert "PHANTOM" not in shown
    assert "NOT FINISHED" in shown


def test_folds_without_and_with_post_processing(crossed: Path) -> None:
    (crossed / "postprocessed").mkdir()
    table = pd.read_csv(crossed / "cases.csv", keep_default_na=False)
    table.assign(dice=1.0).to_csv(crossed / "postprocessed" / "cases.csv", index=False)
    shown = paper_and_ours(paper_table("bourigault2021_unet3plus", 1), crossed, ["GTVt"])
    lines = [line.split() for line in shown.splitlines()]
    assert ["fold", "1", "paper", "0.792", "3.18", "0.822", "3.11"] in lines
    assert ["CHUS", "hnseg", "0.600", "inf", "1.000", "inf"] in lines
    assert any(line[:5] == ["mean", "of", "folds", "hnseg", "0.650"] for line in lines)


def test_the_table_of_test_patients_needs_masks_of_test_patients(crossed: Path) -> None:
    table = paper_table("iantsen2020_senorm", 2)
    assert "no test patient of this data set has a mask" in paper_and_ours(table, crossed, ["GTVt"])
    (crossed / "test").mkdir()
    rows("", "CHUV", [0.5, 0.75]).drop(columns="fold").to_csv(crossed / "test" / "cases.csv", index=False)
    lines = [line.split() for line in paper_and_ours(table, crossed, ["GTVt"]).splitlines()]
    assert ["CHUV", "paper", "53", "0.759", "0.833", "0.740"] in lines
    assert any(line[:4] == ["CHUV", "hnseg", "2", "0.625"] for line in lines)


def test_five_methods_stand_beside_the_papers_test_set_by_test_set(tmp_path: Path) -> None:
    table = paper_table("rainio2024", 1)
    assert not results_of(table, tmp_path).exists()
    methods = {"CNNonly": [0.25, 0.5], "CNNrand": [None, None], "CNNcm": [0.375, 0.5], "cm1CNN": [0.75, 0.625]}
    ours = pd.DataFrame({"row": ["0", "all test sets"], "slices": 7, "patients": 2, **methods, "phantom": True})
    results_of(table, tmp_path).parent.mkdir()
    ours.to_csv(results_of(table, tmp_path), index=False)
    (tmp_path / "manifest.json").write_text(json.dumps({"phantom": True, "finished": False}))
    shown = paper_and_ours(table, tmp_path, ["GTV"])
    lines = [line.split() for line in shown.splitlines()]
    assert ["of", "CNNonly", "CNNrand", "CNNcm", "cm1CNN"] in lines
    assert ["1", "paper", "0.571", "0.593", "0.604", "0.739"] in lines
    assert ["1", "hnseg", "0.250", "0.375", "0.750"] in lines
    assert ["all", "test", "sets", "hnseg", "0.500", "0.500", "0.625"] in lines
    assert "PHANTOM" in shown
    assert "NOT FINISHED" in shown
    assert (tmp_path / "tables" / "rainio2024-table1.csv").is_file()


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A training on six patients of two data sets; the chiasm is annotated in one of them."""
    scores = {"dice": 0.8, "dice_slices": 0.7, "surface_dice": 0.9, "hd95_mm": 3.0, "tolerance_mm": 2.5}
    rows = [
        {"case": f"P{patient}", "centre": "ab"[patient % 2], "structure": name, **scores}
        for patient in range(6)
        for name in PDDCA
        if name != "Chiasm" or patient == 0
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "cases.csv", index=False)
    (tmp_path / "manifest.json").write_text(json.dumps({"phantom": False, "finished": True}))
    return tmp_path


def test_organs_stand_beside_the_papers_in_both_ways_of_counting(trained: Path) -> None:
    shown = paper_and_ours(paper_table("jain2020_model_l", 2), trained, PDDCA)
    lines = [line.split() for line in shown.splitlines()]
    assert "GTVt" not in shown
    assert ["of", "n", "dice", "dice", "slices"] in lines
    assert ["BrainStem", "hnseg", "6", "0.800", "±", "0.000", "0.700", "±", "0.000"] in lines
    assert ["Chiasm", "hnseg", "1"] in lines  # of one patient there is no mean
    assert ["mean", "of", "organs", "hnseg", "0.800", "0.700"] in lines
    assert 'compare it with "dice slices"' in shown
    both = pd.read_csv(trained / "tables" / "jain2020_model_l-table2.csv").set_index(["of", "row"])
    assert both.loc[("paper", "BrainStem"), "dice_slices_mean"] == pytest.approx(0.8637)
    assert pd.isna(both.loc[("paper", "BrainStem"), "dice_mean"])


def test_anatomynet_was_scored_by_volumes(trained: Path) -> None:
    shown = paper_and_ours(paper_table("zhu2018_anatomynet", 2), trained, PDDCA)
    both = pd.read_csv(trained / "tables" / "zhu2018_anatomynet-table2.csv").set_index(["of", "row"])
    assert both.loc[("paper", "mean of organs"), "dice_mean"] == pytest.approx(0.7925)
    assert both.loc["paper", "dice_slices_mean"].isna().all()
    assert "261 training CTs" in " ".join(shown.split())
