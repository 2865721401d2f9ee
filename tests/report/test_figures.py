from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.figures import dice_by, volumes
from hnseg.report.structures import structure_colors
from tests.report.organs import FOUR, ORGANS

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


def organ_rows(sources=("openkbp", "paired"), count=6):
    """The first source has four organs annotated."""
    rng = np.random.Generator(np.random.Philox(0))
    rows = [
        {"case": f"{source}{i}", "centre": source, "structure": name, "dice": rng.uniform(0.3, 1),
         "volume_mm3": 900.0, "truth_volume_mm3": 1000.0}
        for place, source in enumerate(sources)
        for i in range(count)
        for name in (FOUR if place == 0 and len(sources) > 1 else ORGANS)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def picture(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def test_many_structures_are_rows_of_one_panel_and_groups_are_colours():
    one, two = (picture(dice_by(organ_rows(s), phantom=False)) for s in (("paired",), ("openkbp", "paired")))
    assert one.shape[0] < 1200  # nine panels would be 4000
    orange = (np.abs(two - [0xD5, 0x5E, 0x00]).max(axis=2) < 30).sum()
    assert orange > 500
    assert not (np.abs(one - [0xD5, 0x5E, 0x00]).max(axis=2) < 30).any()


def test_a_mean_is_marked_only_where_there_are_patients_enough():
    def marks(count):
        image = picture(dice_by(organ_rows(("a", "b"), count).assign(dice=0.5), phantom=False))
        return (np.abs(image - [0xD5, 0x5E, 0x00]).max(axis=2) < 10).sum()

    assert marks(5) > 3 * marks(4)


def test_structures_nobody_scored_are_drawn():
    rows = organ_rows()
    assert dice_by(rows.assign(dice=np.nan), phantom=False).startswith(b"\x89PNG")
    assert dice_by(rows.assign(centre=""), phantom=False).startswith(b"\x89PNG")


def test_each_of_nine_structures_has_its_own_colour_in_the_volumes():
    rows = organ_rows(("paired",), 3)
    rows["truth_volume_mm3"] = 1000.0 * 2.0 ** rows["structure"].map({name: i for i, name in enumerate(ORGANS)})
    image = picture(volumes(rows, phantom=False))
    for name, color in structure_colors(ORGANS).items():
        wanted = [255 - 0.75 * (255 - int(color[i : i + 2], 16)) for i in (1, 3, 5)]  # drawn at 0.75 on white
        assert (np.abs(image - wanted).max(axis=2) < 12).sum() > 20, name
