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


def ink(png, color, tolerance=12):
    image = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image - wanted).max(axis=2) <= tolerance).sum())


def test_each_structure_has_a_panel_in_its_colour():
    png = distribution()
    for name, color in COLORS.items():
        assert ink(png, color) > 50, name


def test_the_windows_of_the_network_are_marked():
    one = distribution(windows=[Window("window", -900, 900)])
    assert one != distribution(windows=[Window("window", -100, 100)])
    assert ink(one, COLORS["BrainStem"], 5) > 1.3 * ink(distribution(windows=[Window("window", 0, 10)]), "#0072b2", 5)


def test_without_ct_there_is_no_distribution():
    counted = facts()
    del counted["hu"]
    assert distribution(counted) is None


def test_a_structure_without_a_voxel_and_few_structures_are_drawn():
    counted = facts()
    counted["hu"]["Chiasm"] = [0] * len(counted["hu"]["all"])
    counted["structures"] = counted["structures"][:4]
    assert distribution(counted).startswith(b"\x89PNG")
    counted["structures"] = counted["structures"][1:2]
    assert distribution(counted).startswith(b"\x89PNG")


def test_a_name_is_no_formula():
    counted = facts()
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


def test_a_phantom_is_marked():
    assert PHANTOM_TEXT.encode() in distribution(phantom=True)
    assert PHANTOM_TEXT.encode() in class_imbalance(facts(), phantom=True)
    assert PHANTOM_TEXT.encode() not in class_imbalance(facts(), phantom=False)
