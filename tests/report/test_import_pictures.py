from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hnseg.report.import_pictures import case_picture, panels_of
from hnseg.report.import_sight import see
from hnseg.report.planes import PLANES
from hnseg.types import AXIAL_DIRECTION, Grid
from tests.report.imports import SHAPE, SPACING_MM, drawn, entry, make_import, record

GREEN = (0, 255, 0)
BOX = drawn("Parotid_L", "x", ml=3.0)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def places(png):
    """Columns, as a share of the width, in which the outline's green stands, above the legend."""
    image = pixels(png)[:-60]
    return np.flatnonzero((np.abs(image - GREEN).max(axis=2) < 60).any(axis=0)) / image.shape[1]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_the_patients_left_is_on_the_right_however_the_file_is_stored(tmp_path, signs):
    direction = AXIAL_DIRECTION * np.asarray(signs)
    one = entry("P1", structures=[BOX])
    # the box lies where x is high: to the left, unless the file runs the other way
    folder = make_import(tmp_path, record([one]), grid=Grid(SHAPE, SPACING_MM, direction=direction)) / "P1"
    columns = places(case_picture(folder, one, {"Parotid_L": "#00ff00"}, phantom=False))
    for panel in range(3):
        inside = columns[(columns > panel / 3) & (columns < (panel + 1) / 3)] * 3 - panel
        assert len(inside) > 5
        assert (inside.mean() > 0.55) == (signs[2] > 0)


def test_slices_go_through_the_largest_structure_and_most_of_them(tmp_path):
    one = entry("P1", structures=[BOX])
    sight = see(make_import(tmp_path, record([one])) / "P1", one)
    mask = sight.masks["Parotid_L"]
    assert mask.shape == sight.images["ct"].shape == sight.images["pt"].shape
    assert all(sight.view.cut(mask, plane).any() for plane in PLANES)
    assert sight.images["pt"][mask].min() > 7.9, "the PET lies on the CT"
    assert sight.images["ct"].shape[2] < SHAPE[2], "cut to the body"


def test_a_structure_on_another_grid_is_named_and_not_drawn(tmp_path):
    one, other = entry("P1", structures=[BOX]), entry("P1", ct=False, pt=False, structures=[BOX])
    folder = make_import(tmp_path, record([one]))
    make_import(tmp_path, record([other]), grid=Grid((4, 24, 28), (20.0, 5.0, 5.0)))
    sight = see(folder / "P1", one)
    assert sight.masks == {"Parotid_L": None}
    assert len(places(case_picture(folder / "P1", one, {"Parotid_L": "#00ff00"}, phantom=False))) == 0


@pytest.mark.parametrize(
    ("slices", "pt", "planes"),
    [(1, True, ["axial"] * 2), (1, False, ["axial"]), (4, False, ["axial"] * 3), (20, False, [p.name for p in PLANES])],
)
def test_thin_scans_are_shown_by_axial_slices(tmp_path, slices, pt, planes):
    one = entry("P1", pt=pt)
    folder = make_import(tmp_path, record([one]), grid=Grid((slices, 24, 28), (3.0, 5.0, 5.0)))
    assert [panel.plane.name for panel in panels_of(see(folder / "P1", one))] == planes
    if slices == 1 and pt:
        assert pixels(case_picture(folder / "P1", one, {}, phantom=False)).shape[1] > 1000


def test_panels_of_a_phantom_are_marked(tmp_path):
    one = entry("P1")
    folder = make_import(tmp_path, record([one])) / "P1"
    plain, marked = (pixels(case_picture(folder, one, {}, phantom=phantom)) for phantom in (False, True))
    changed = (np.abs(plain - marked).max(axis=2) > 60)[60:-60]
    assert all(panel.mean() > 0.01 for panel in np.array_split(changed, 3, axis=1))
