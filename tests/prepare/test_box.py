import numpy as np
import pytest

from hnseg.geometry import image_box
from hnseg.prepare.body import body_box, head_neck_box
from hnseg.prepare.box import choose_box, resize_box
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Volume

SIZE = (144.0, 144.0, 144.0)
BODY = Recipe(modalities=("ct",), regions=("body", "image"), box_size_mm=(None, 280.0, 280.0))


def test_regions_are_tried_in_order(patient):
    images = {"ct": patient.ct(), "pt": patient.pt()}
    given = BoxMm((-60, -110, -180), (80.6, 30.6, -36.1))
    box, notes = choose_box(images, given, Recipe())
    assert np.subtract(box.high_mm, box.low_mm) == pytest.approx(SIZE)
    assert np.add(box.high_mm, box.low_mm) == pytest.approx(np.add(given.high_mm, given.low_mm))
    assert (box.source, notes) == ("given", ("box: published",))
    assert choose_box(images, given, Recipe(variant="code"))[0] is given
    assert choose_box(images, None, Recipe())[0].source == "brain"
    assert choose_box({"ct": patient.ct()}, None, Recipe(modalities=("ct",)))[0].source == "image"
    assert choose_box(images, given, Recipe(regions=("image",)))[0].source == "image"


def test_fallback_is_noted_and_can_be_refused(patient):
    images = {"ct": patient.ct(), "pt": Volume(np.zeros(patient.pt_grid.shape_zyx, np.float32), patient.pt_grid)}
    box, notes = choose_box(images, None, Recipe())
    assert box.source == "image"
    assert any("no brain" in note for note in notes)
    with pytest.raises(ValueError, match="regions"):
        choose_box(images, None, Recipe(regions=("published", "brain")))


def test_box_outside_the_image_is_refused(patient):
    with pytest.raises(ValueError, match="outside the CT"):
        choose_box({"ct": patient.ct(), "pt": patient.pt()}, BoxMm((900, 900, 900), (1044, 1044, 1044)), Recipe())


def test_resize_keeps_the_centre():
    box = resize_box(BoxMm((0, 0, 0), (10, 20, 30), "brain"), (60, 40, 20))
    assert box == BoxMm((-5, -10, -15), (15, 30, 45), "brain")


@pytest.mark.parametrize(
    ("region", "rule"), [("body", lambda ct: body_box(ct, (None, 280, 280))), ("head_neck", head_neck_box)]
)
def test_regions_of_the_ct(patient, region, rule):
    ct = patient.person()
    recipe = Recipe(modalities=("ct",), regions=(region,), box_size_mm=(None, 280.0, 280.0))
    box, notes = choose_box({"ct": ct}, None, recipe)
    assert box == rule(ct)
    assert box.source == region
    assert "in the CT, x" in notes[-1]


def test_jain2020_is_the_crop_of_the_image(patient):
    ct = patient.person()
    recipe = Recipe(modalities=("ct",), regions=("jain2020", "image"), box_size_mm=None)
    box, notes = choose_box({"ct": ct}, None, recipe)
    assert (box.source, len(notes)) == ("image", 2)
    assert "120 columns" in notes[0]
    zoomed = ct.grid.crop((0, -50, -40), (len(ct.array), 360, 420))
    box, _ = choose_box({"ct": Volume(np.zeros(zoomed.shape_zyx, np.int16), zoomed)}, None, recipe)
    assert box.source == "jain2020"
    assert np.subtract(box.high_mm, box.low_mm)[:2] == pytest.approx([280 * 5, 280 * 5])


def test_ct_without_a_body_falls_to_the_next_region_or_is_refused(patient):
    air = Volume(np.full_like(patient.person().array, -1000), patient.person().grid)
    box, notes = choose_box({"ct": air}, None, BODY)
    assert box == image_box(air.grid)
    assert "no head or neck was found" in notes[0]
    with pytest.raises(ValueError, match="no head or neck was found"):
        choose_box({"ct": air}, None, Recipe(modalities=("ct",), regions=("body",), box_size_mm=(None, 280, 280)))


def test_body_is_looked_for_in_the_ct_of_a_pet_ct(patient):
    images = {"pt": patient.pt(), "ct": patient.ct()}
    recipe = Recipe(modalities=("pt", "ct"), regions=("body",), box_size_mm=(None, 280.0, 280.0))
    assert choose_box(images, None, recipe)[0].source == "body"
    with pytest.raises(ValueError, match="no CT to find the body in"):
        choose_box({"pt": patient.pt()}, None, Recipe(modalities=("pt",), regions=("body",), box_size_mm=280.0))
