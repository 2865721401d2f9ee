from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.organ_pictures import Structures, organ_picture
from hnseg.report.pictures import Patient
from hnseg.report.structures import structure_colors
from hnseg.types import Grid, Volume
from tests.report.organs import FOUR, ORGANS, SHAPE, SPACING_MM, label_map

GRID = Grid(SHAPE, SPACING_MM)
COLORS = structure_colors(ORGANS)
ALL = Structures(ORGANS, (True,) * 9, dict.fromkeys(ORGANS, 0.75))


def volume(labels):
    return Volume(labels, GRID)


def patient(truth=ORGANS, prediction=ORGANS, **masks):
    ct = np.where(label_map() > 0, 40.0, -200.0).astype(np.float32)
    given = {"truth": volume(label_map(names=truth)), "prediction": volume(label_map((0, 1, 0), prediction))}
    return Patient("case", {"ct": volume(ct)}, **(given | masks))


def draw(which=None, structures=ALL, **options):
    png = organ_picture(which or patient(), structures, **({"title": "case", "phantom": False} | options))
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def whole():
    """A patient with everything, drawn once."""
    return draw()


def count(pixels, name):
    """How many pixels have an organ's colour, above the legend."""
    wanted = [int(COLORS[name][i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels[: int(0.92 * len(pixels))] - wanted).max(axis=2) < 30).sum())


def test_every_organ_is_outlined_in_its_colour(whole):
    for name in ORGANS:
        assert count(whole, name) > 30, name


def test_truth_and_prediction_stand_in_rows_of_their_own(whole):
    truth_alone = draw(patient(prediction=()))
    for name in ("Mandible", "Parotid_L"):
        assert 1.4 * count(truth_alone, name) < count(whole, name)


def test_without_a_prediction_the_truth_is_shown_alone(whole):
    alone = draw(replace(patient(), prediction=None))
    assert count(alone, "Mandible") > 30
    assert alone.shape[0] < whole.shape[0] - 100  # a row less


def test_post_processing_is_a_row_more(whole):
    refined = draw(replace(patient(), refined=volume(label_map())))
    assert refined.shape[0] > whole.shape[0] + 100


def test_what_nobody_annotated_is_only_dotted():
    """The same prediction of the glands, annotated or not: filled and drawn through, or dots."""
    known = Structures(ORGANS, tuple(name in FOUR for name in ORGANS), dict.fromkeys(FOUR, 0.75))
    dotted, solid = draw(patient(truth=FOUR), known), draw(patient(truth=FOUR))
    assert 5 < count(dotted, "Submandibular_L") < 0.75 * count(solid, "Submandibular_L")
    assert count(dotted, "Parotid_L") == count(solid, "Parotid_L")


def test_without_any_truth_the_slices_go_through_the_prediction():
    nothing = Structures(ORGANS, (False,) * 9, {})
    pixels = draw(patient(truth=()), nothing)
    assert count(pixels, "Mandible") > 5


def test_nothing_at_all_and_no_modality_called_ct_are_drawn():
    empty = volume(np.zeros(SHAPE, np.uint8))
    image = {"mr": volume(np.linspace(0, 1, np.prod(SHAPE), dtype=np.float32).reshape(SHAPE))}
    assert organ_picture(Patient("case", image, empty, empty), ALL, title="$\\frac{$", phantom=False)


def test_a_phantom_is_marked_in_every_panel(whole):
    png = organ_picture(patient(), ALL, title="case", phantom=True)
    assert PHANTOM_TEXT.encode() in png
    marked = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    assert whole.shape == marked.shape
    changed = (np.abs(whole - marked).max(axis=2) > 60)[60:-100]
    for band in np.array_split(changed, 4, axis=0):
        for panel in np.array_split(band, 4, axis=1):
            assert panel.mean() > 0.004


def test_same_patient_same_picture(whole):
    assert np.array_equal(draw(), whole)
