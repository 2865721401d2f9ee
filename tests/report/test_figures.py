from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.curves import by_epoch
from hnseg.report.figures import dice_by_centre, learning_curves, volumes

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
    "dice": lambda **flags: dice_by_centre(CASES, **flags),
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
    one, more = (Image.open(BytesIO(dice_by_centre(cases, phantom=False))) for cases in (CASES, two))
    assert more.height > 1.6 * one.height


def test_one_epoch_without_validation_is_drawn():
    epochs = by_epoch(pd.read_csv(StringIO("epoch,step,train/loss\n0,9,1.5\n")))
    assert learning_curves(epochs, monitor="val/dice", best_epoch=None, phantom=False).startswith(b"\x89PNG")


@pytest.mark.parametrize("value", [0.0, np.nan, 3e6])
def test_volumes_of_any_size_are_drawn(value):
    assert volumes(CASES.assign(volume_mm3=value), phantom=False).startswith(b"\x89PNG")


def test_no_dice_at_all_is_drawn():
    assert dice_by_centre(CASES.assign(dice=np.nan), phantom=False).startswith(b"\x89PNG")
