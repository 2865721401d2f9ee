from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.curves import by_epoch
from hnseg.report.figures import dice_by, fold_curves, learning_curves, volumes

EPOCHS = pd.DataFrame(
    {
        "train/loss": [1.2, 0.8, 0.6],
        "val/loss": [1.3, 1.0, 0.9],
        "val/dice": [0.1, 0.5, 0.6],
        "lr-Adam": [1e-3, 5e-4, 1e-6],
    }
)
CASES = pd.DataFrame(
    {
        "centre": ["$A_{$", "$A_{$", "B", ""],
        "structure": ["GTVp"] * 4,
        "dice": [0.5, 0.9, np.nan, 0.0],
        "volume_mm3": [1e3, 2e4, 0.0, 5e3],
        "truth_volume_mm3": [2e3, 2.2e4, 4e3, 5e3],
    }
)
DRAW = {
    "curves": lambda **flags: learning_curves(EPOCHS, monitor="val/dice", best_epoch=2, **flags),
    "dice": lambda **flags: dice_by(CASES, **flags),
    "volumes": lambda **flags: volumes(CASES, **flags),
}


@pytest.mark.parametrize("name", DRAW)
def test_every_figure_of_a_phantom_is_marked(name):
    plain, marked = DRAW[name](phantom=False), DRAW[name](phantom=True)
    assert PHANTOM_TEXT.encode() in marked
    assert PHANTOM_TEXT.encode() not in plain
    a, b = (np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int) for png in (plain, marked))
    assert (np.abs(a - b).max(axis=2) > 30).mean() > 0.005


def test_two_structures_are_two_panels():
    two = pd.concat([CASES, CASES.assign(structure="GTVn")])
    one, more = (Image.open(BytesIO(dice_by(cases, phantom=False))) for cases in (CASES, two))
    assert more.height > 1.6 * one.height


def test_one_epoch_without_validation_is_drawn():
    epochs = by_epoch(pd.read_csv(StringIO("epoch,step,train/loss\n0,9,1.5\n")))
    assert learning_curves(epochs, monitor="val/dice", best_epoch=None, phantom=False).startswith(b"\x89PNG")


@pytest.mark.parametrize("value", [0.0, np.nan, 3e6])
def test_volumes_of_any_size_are_drawn(value):
    assert volumes(CASES.assign(volume_mm3=value), phantom=False).startswith(b"\x89PNG")


def test_no_dice_at_all_is_drawn():
    assert dice_by(CASES.assign(dice=np.nan), phantom=False).startswith(b"\x89PNG")


def test_by_fold_the_folds_stay_in_their_order():
    folds = CASES.assign(fold=["10", "10", "9", "$2"])
    assert dice_by(folds, "fold", phantom=False) != dice_by(folds[::-1], "fold", phantom=False)
    many = pd.concat([CASES.assign(fold=f"new_split_{i}") for i in range(8)])
    few, wide = (Image.open(BytesIO(dice_by(rows, "fold", phantom=False))) for rows in (folds, many))
    assert wide.width > 1.3 * few.width


def test_every_fold_has_its_curve():
    def drawn(*names, **flags):
        folds = {name: EPOCHS * (1 + place) for place, name in enumerate(names)}
        return fold_curves(folds, monitor="val/dice", **({"phantom": False} | flags))

    one, two = drawn("$A_{$"), drawn("$A_{$", "_B")
    assert one != two
    assert PHANTOM_TEXT.encode() in drawn("A", phantom=True)
    assert drawn(*(f"fold {i}" for i in range(9))).startswith(b"\x89PNG")
    assert fold_curves({"A": EPOCHS[["train/loss"]][:1]}, monitor="val/dice", phantom=False).startswith(b"\x89PNG")
