import numpy as np
import pandas as pd
import pytest

from hnseg.report.structures import STRUCTURE_COLORS, has_many, ordered, ordered_rows, structure_colors

# Machado et al. 2009, severity 1, on linear RGB
SEEN = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
WHITE = [0.95047, 1.0, 1.08883]


def lab(color, vision):
    srgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(np.array(vision) @ linear, 0, 1) @ np.array(TO_XYZ).T / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", SEEN)
def test_ten_colours_are_told_apart_with_any_colour_vision(vision):
    """As far apart as Okabe and Ito's six, of which the nearest two are 16.1 apart (with tritanopia)."""
    seen = [lab(color, SEEN[vision]) for color in STRUCTURE_COLORS[:10]]
    nearest = min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i])
    assert nearest > (16.0 if vision == "tritanopia" else 17.8)


def test_colours_can_be_seen_on_white_and_on_ct():
    assert all(45 <= lab(color, SEEN["normal"])[0] <= 81 for color in STRUCTURE_COLORS)
    assert len(set(STRUCTURE_COLORS)) == 12


def test_more_structures_than_colours_all_get_one():
    colors = structure_colors([f"organ {i}" for i in range(14)])
    assert len(colors) == 14
    assert colors["organ 12"] == STRUCTURE_COLORS[0]


def test_order_is_that_of_the_labels_and_unknown_names_come_last():
    assert ordered(["c", "x", "a", "c"], ["a", "b", "c"]) == ["a", "c", "x"]


def test_rows_of_many_structures_are_sorted_by_structure_and_of_few_are_left():
    rows = pd.DataFrame({"case": ["p", "p", "q", "q", "q"], "structure": ["b", "c", "a", "b", "c"]})
    found = ordered_rows(rows, ["a", "b", "c"])
    assert list(found["structure"]) == ["a", "b", "b", "c", "c"]
    assert list(found["case"]) == ["q", "p", "q", "p", "q"]
    few = rows[rows["structure"] != "a"]
    assert ordered_rows(few, ["c", "b"]) is few


def test_many_is_known_before_anything_is_scored():
    empty = pd.DataFrame({"case": [], "structure": []})
    assert has_many(empty, ["a", "b", "c"])
    assert not has_many(empty, ["a", "b"])
    assert not has_many(pd.DataFrame({"structure": ["a", "b"]}), [])
