import json
import shutil

import numpy as np
import pandas as pd
import pytest

from hnseg.report.gallery import choose, exhibits
from hnseg.report.run_folder import RunFolder


def cases(dice):
    return pd.DataFrame({"case": [f"p{i}" for i in range(len(dice))], "structure": "GTVp", "dice": dice})


@pytest.mark.parametrize(
    ("dice", "chosen"),
    [
        ([], []),
        ([np.nan], []),
        ([0.3], [("only", "p0")]),
        ([0.3, 0.6], [("best", "p1"), ("worst", "p0")]),
        ([0.9, 0.1, 0.5], [("best", "p0"), ("median", "p2"), ("worst", "p1")]),
        ([0.9, 0.1, 0.5, 0.6, np.nan], [("best", "p0"), ("median", "p2"), ("worst", "p1")]),
    ],
)
def test_best_median_and_worst(dice, chosen):
    assert choose(cases(dice)) == chosen


def test_structures_are_averaged():
    two = pd.concat([cases([1.0, 0.6, 0.5]), cases([0.0, 0.6, 0.6])])
    assert choose(two)[0] == ("best", "p1")
    assert choose(two)[2] == ("worst", "p0")


def test_who_has_only_the_easy_structure_is_not_the_best_for_that():
    """b is below the mean of the easy structure; a and c are above and below the mean of both."""
    rows = [("a", "easy", 0.95), ("a", "hard", 0.5), ("b", "easy", 0.85), ("c", "easy", 0.9), ("c", "hard", 0.34)]
    table = pd.DataFrame(rows, columns=["case", "structure", "dice"])
    assert [case for _, case in choose(table)] == ["a", "c", "b"]
    assert choose(table.assign(dice=[0.95, np.nan, 0.85, 0.9, np.nan]))[0] == ("best", "a")


def test_pictures_of_all_three(run_maker):
    shown = exhibits(RunFolder.open(run_maker()))
    assert [exhibit.rank for exhibit in shown] == ["best", "median", "worst"]
    assert all(exhibit.png.startswith(b"\x89PNG") for exhibit in shown)
    assert len({exhibit.png for exhibit in shown}) == 3
    assert "HD95" in shown[0].scores


def test_a_patient_that_cannot_be_drawn_says_why_and_leaves_the_others(run_maker):
    folder = run_maker()
    manifest = json.loads((folder / "manifest.json").read_text())
    shutil.rmtree(manifest["cases"]["CHUP000"])
    (folder / "predictions" / "CHUV001.nii.gz").write_bytes(b"no image")
    best, median, worst = exhibits(RunFolder.open(folder))
    assert "no longer where they were" in best.reason
    assert "CHUV001.nii.gz" in median.reason
    assert worst.png
