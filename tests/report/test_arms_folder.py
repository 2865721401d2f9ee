import json

import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.five_methods import METHODS
from hnseg.report.arms_folder import ArmsFolder
from tests.report.arms import make_arms, remove_arm

SMALL = {"folds": 2, "patients": 2, "slices": 3, "pictures": False}


@pytest.fixture
def folder(tmp_path):
    return make_arms(tmp_path / "arms", **SMALL)


def edit(path, change):
    change(pd.read_csv(path, dtype={"case": str})).to_csv(path, index=False)


def test_columns_become_methods_and_stay_with_their_slices(folder):
    arms = ArmsFolder.open(folder)
    assert arms.finished
    assert not arms.whole.phantom
    assert (arms.folds, arms.left_out, len(arms.scores)) == (("0", "1"), 0, 12)
    assert list(arms.scores) == ["fold", "case", "slice", *[m for m in METHODS if m in arms.scores]][: 3 + 5]
    assert set(METHODS) <= set(arms.scores)
    row = arms.scores[(arms.scores["case"] == "11") & (arms.scores["slice"] == 13)].iloc[0]
    for arm, column, method in (
        ("cnnonly", "dice", "CNNonly"), ("cnnonly", "dice_filtered_random", "CNNrand"),
        ("cnnonly", "dice_filtered_centre", "CNNcm"), ("rand1cnn", "dice", "rand1CNN"), ("cm1cnn", "dice", "cm1CNN"),
    ):  # fmt: skip
        table = pd.read_csv(folder / f"arms/{arm}/folds/1/slices.csv", dtype={"case": str})
        written = table[(table["case"] == "11") & (table["slice"] == 13)].iloc[0]
        assert row[method] == pytest.approx(written[column])


def test_empty_slices_name_who_outlined_them(folder):
    empty = ArmsFolder.open(folder).empty
    assert list(dict.fromkeys(empty["method"])) == ["CNNonly", "rand1CNN without a click", "cm1CNN without a click"]
    assert len(empty) == 3 * 4 * 9


def test_what_each_fold_lacks(tmp_path):
    folder = make_arms(tmp_path / "arms", unfinished=[("cm1cnn", 1)], **SMALL)
    (folder / "arms/rand1cnn/folds/0/slices.csv").unlink()
    (folder / "arms/cnnonly/folds/0/manifest.json").unlink()
    arms = ArmsFolder.open(folder)
    assert not arms.finished
    lacking = {(arm.name, fold.name): fold.lacking for arm in arms.arms for fold in arm.folds if fold.lacking}
    assert lacking == {
        ("cnnonly", "0"): "not started",
        ("rand1cnn", "0"): "finished, but its slices are not scored",
        ("cm1cnn", "1"): "not finished",
    }
    assert arms.fold_of("cm1cnn", "1") is None
    assert arms.fold_of("cm1cnn", "0").threshold == pytest.approx(0.1)
    by_fold = arms.scores.groupby("fold")[["CNNonly", "rand1CNN", "cm1CNN"]].count()
    assert by_fold.to_numpy().tolist() == [[0, 0, 6], [6, 6, 0]]
    assert arms.left_out == 0


def test_an_arm_that_is_not_there_or_unknown(folder):
    remove_arm(folder, "rand1cnn")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"arms": ["cnnonly", "rand1cnn", "cm1cnn", "edt"]}))
    arms = ArmsFolder.open(folder)
    assert [arm.name for arm in arms.arms] == ["cnnonly", "rand1cnn", "cm1cnn", "edt"]
    assert arms.missing_arms == ("rand1cnn",)
    assert "rand1CNN" not in arms.scores
    assert len(arms.scores) == 12


def test_slices_of_other_truths_are_left_out(folder):
    edit(folder / "arms/cm1cnn/folds/0/slices.csv", lambda t: t.assign(pixels=np.where(t.index == 0, 7, t["pixels"])))
    edit(folder / "arms/rand1cnn/folds/1/slices.csv", lambda t: t.iloc[:-1])
    arms = ArmsFolder.open(folder)
    assert arms.left_out == 3  # the first of them twice, once with each truth
    assert len(arms.scores) == 10
    assert arms.scores[list(METHODS)].notna().all(axis=None)


@pytest.mark.parametrize("place", ["manifest", "arm", "slices", "empty_slices"])
def test_a_single_mark_makes_a_phantom(folder, place):
    if place == "manifest":
        (folder / "manifest.json").write_text(json.dumps({"task": "arms", "phantom": True}))
    elif place == "arm":
        (folder / "arms/cm1cnn/manifest.json").write_text(json.dumps({"folds": ["0", "1"], "phantom": True}))
    else:
        edit(folder / f"arms/cm1cnn/folds/1/{place}.csv", lambda t: t.assign(phantom=t.index == 2))
    assert ArmsFolder.open(folder).whole.phantom


def test_a_table_without_its_columns_is_refused(folder):
    edit(folder / "arms/cm1cnn/folds/1/slices.csv", lambda t: t.drop(columns="pixels"))
    with pytest.raises(ValueError, match=r"cm1cnn/folds/1/slices.csv lacks the columns \['pixels'\]"):
        ArmsFolder.open(folder)


def test_nothing_at_all(tmp_path):
    folder = make_arms(tmp_path / "arms", arms=(), folds=0)
    arms = ArmsFolder.open(folder)
    assert not arms.finished
    assert arms.scores.empty
    assert arms.missing_arms == ("cnnonly", "rand1cnn", "cm1cnn")
