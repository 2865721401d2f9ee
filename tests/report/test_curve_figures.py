from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.curve_figures import fold_curves, learning_curves, structure_curves
from hnseg.report.curves import Switch, by_epoch
from tests.report.organs import ORGANS, organ_log

EPOCHS = pd.DataFrame(
    {
        "train/loss": [1.2, 0.8, 0.6],
        "val/loss": [1.3, 1.0, 0.9],
        "val/dice": [0.1, 0.5, 0.6],
        "lr-Adam": [1e-3, 5e-4, 1e-6],
    }
)
ORGAN_EPOCHS = by_epoch(pd.read_csv(StringIO(organ_log(12))))


def curves(epochs=EPOCHS, **options):
    return learning_curves(epochs, **({"monitor": "val/dice", "best_epoch": 2, "phantom": False} | options))


def by_structure(epochs=ORGAN_EPOCHS, names=ORGANS, **options):
    return structure_curves(epochs, names, **({"best_epoch": 6, "phantom": False} | options))


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize("draw", [curves, by_structure])
def test_a_phantom_is_marked(draw):
    plain, marked = draw(), draw(phantom=True)
    assert PHANTOM_TEXT.encode() in marked
    assert PHANTOM_TEXT.encode() not in plain
    assert (np.abs(pixels(plain) - pixels(marked)).max(axis=2) > 30).mean() > 0.005


def test_one_epoch_without_validation_is_drawn():
    epochs = by_epoch(pd.read_csv(StringIO("epoch,step,train/loss\n0,9,1.5\n")))
    assert curves(epochs, best_epoch=None).startswith(b"\x89PNG")
    assert by_structure(ORGAN_EPOCHS[:1], best_epoch=None).startswith(b"\x89PNG")


def test_a_switch_is_marked_where_training_got_so_far():
    plain = curves()
    assert curves(switch=Switch(2, "SGD from epoch 2")) != plain
    assert curves(switch=Switch(3, "SGD from epoch 3")) == plain


def test_a_rate_that_is_halved_is_drawn_in_steps():
    """Level at three heights, and straight down between them."""
    halved = pd.DataFrame({"train/loss": np.ones(12), "lr": [8e-3] * 4 + [4e-3] * 4 + [2e-3] * 4})
    image = pixels(curves(halved, monitor="none", best_epoch=None))[:, 1000:]
    blue = np.abs(image - [0x00, 0x72, 0xB2]).max(axis=2) < 40
    level = np.flatnonzero(blue.sum(axis=1) > 90)
    assert len(np.split(level, np.flatnonzero(np.diff(level) > 1) + 1)) == 3
    assert blue.sum(axis=0).max() > 100


def test_a_structure_that_was_never_scored_has_no_line_and_the_others_keep_their_colours():
    def ink(color):
        return int((np.abs(image - color).max(axis=2) < 20).sum())

    image = pixels(by_structure())
    assert ink([0xD5, 0x5E, 0x00]) == 0  # the chiasm's
    assert ink([0x00, 0x9E, 0x73]) > 100  # the jaw's, the third


def test_every_fold_has_its_curve():
    def drawn(*names, **flags):
        folds = {name: EPOCHS * (1 + place) for place, name in enumerate(names)}
        return fold_curves(folds, monitor="val/dice", **({"phantom": False} | flags))

    one, two = drawn("$A_{$"), drawn("$A_{$", "_B")
    assert one != two
    assert PHANTOM_TEXT.encode() in drawn("A", phantom=True)
    assert drawn(*(f"fold {i}" for i in range(9))).startswith(b"\x89PNG")
    assert fold_curves({"A": EPOCHS[["train/loss"]][:1]}, monitor="val/dice", phantom=False).startswith(b"\x89PNG")
