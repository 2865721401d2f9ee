from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.data_figures import class_imbalance, hu_distribution
from hnseg.report.settings import Window
from hnseg.report.structures import structure_colors
from tests.report.organs import ORGANS, facts

COLORS = structure_colors(ORGANS)


def distribution(counted=None, windows=(), **options):
    return hu_distribution(counted or facts(), windows=windows, **({"phantom": False} | options))


@pytest.fixture(scope="module")
def usual():
    """Nine organs and the usual windows, drawn once."""
    return distribution()


def ink(png, color, tolerance=12):
    image = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image - wanted).max(axis=2) <= tolerance).sum())


def test_each_structure_has_a_panel_in_its_colour(usual):
    for name, color in COLORS.items():
        assert ink(usual, color) > 50, name


def test_the_windows_of_the_network_are_marked_as_wide_as_they_are():
    wide, narrow = (distribution(windows=[Window("window", -half, half)]) for half in (900, 10))
    assert ink(wide, COLORS["BrainStem"], 5) > 1.3 * ink(narrow, COLORS["BrainStem"], 5)


def test_without_ct_there_is_no_distribution():
    counted = facts()
    del counted["hu"]
    assert distribution(counted) is None


@pytest.mark.parametrize("kept", [slice(0, 4), slice(1, 2)])
def test_few_structures_and_one_without_a_voxel_are_drawn(kept):
    counted = facts()
    counted["hu"]["Chiasm"] = [0] * len(counted["hu"]["all"])
    counted["structures"] = counted["structures"][kept]
    assert distribution(counted).startswith(b"\x89PNG")


def test_a_name_is_no_formula():
    counted = facts()
    counted["structures"] = counted["structures"][:1]
    counted["structures"][0]["name"] = "$\\frac{$"
    counted["hu"]["$\\frac{$"] = counted["hu"]["all"]
    assert distribution(counted).startswith(b"\x89PNG")
    assert class_imbalance(counted, phantom=False).startswith(b"\x89PNG")


def test_bars_are_as_long_as_there_are_patients():
    """Of the bars in the middle panel four are whole, the others 5/9 of it."""
    image = np.asarray(Image.open(BytesIO(class_imbalance(facts(), phantom=False))).convert("RGB")).astype(int)
    middle = image[:, image.shape[1] * 2 // 5 : image.shape[1] * 7 // 10]

    def length(name):
        wanted = [int(COLORS[name][i : i + 2], 16) for i in (1, 3, 5)]
        return int((np.abs(middle - wanted).max(axis=2) <= 3).sum(axis=1).max())

    assert length("Chiasm") / length("BrainStem") == pytest.approx(5 / 9, abs=0.03)


def test_what_no_patient_shows_is_drawn():
    counted = facts()
    for entry in counted["structures"]:
        entry |= {"voxels": 0, "slices": 0, "patients_annotated": 0}
    assert class_imbalance(counted, phantom=False).startswith(b"\x89PNG")


def test_a_phantom_is_marked(usual):
    assert PHANTOM_TEXT.encode() not in usual
    assert PHANTOM_TEXT.encode() in distribution(phantom=True)
    assert PHANTOM_TEXT.encode() in class_imbalance(facts(), phantom=True)
    assert PHANTOM_TEXT.encode() not in class_imbalance(facts(), phantom=False)
