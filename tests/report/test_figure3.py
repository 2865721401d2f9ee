from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.figure3 import PREDICTION_BLUE, REFINED_GREEN, TRUTH_RED, figure_3
from hnseg.report.pictures import Patient
from hnseg.types import Grid, Volume

COLORS = (TRUTH_RED, PREDICTION_BLUE, REFINED_GREEN)
SHAPE = (12, 40, 40)


def mask(first, last, slices=(5, 9)):
    labels = np.zeros(SHAPE, np.uint8)
    labels[slice(*slices), first:last, first:last] = 1
    return Volume(labels, Grid(SHAPE, (3.0, 2.0, 2.0)))


def patient(modalities=("ct", "pt"), **masks):
    rng = np.random.Generator(np.random.Philox(0))
    grid = mask(0, 0).grid
    images = {name: Volume(rng.uniform(0, 5, SHAPE).astype(np.float32), grid) for name in modalities}
    given = {"truth": mask(8, 20), "prediction": mask(14, 26), "refined": mask(18, 30)} | masks
    return Patient("case", images, **given)


def draw(which, **options):
    png = figure_3(which, **({"title": "case", "phantom": False} | options))
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def counts(pixels, panels):
    """For each panel, how many pixels have each colour; the legend below is left out."""
    height, width = pixels.shape[:2]
    columns = np.array_split(pixels[: int(0.85 * height)], panels, axis=1)
    assert width > 4 * panels
    wanted = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in COLORS]
    return [tuple(int((np.abs(column - rgb).max(axis=2) < 40).sum()) for rgb in wanted) for column in columns]


def test_each_panel_holds_its_own_lines():
    ct, pet, prediction, refined = counts(draw(patient()), 4)
    assert ct == pet == (0, 0, 0)
    assert prediction[0] > 200
    assert prediction[1] > 100
    assert prediction[2] == 0
    assert refined[0] > 200
    assert refined[1] == 0
    assert refined[2] > 100


def test_the_lines_can_be_told_apart_without_their_colours():
    """Of a square of the same size the truth covers everything, the dashes less, the short ones with more gaps."""
    square = mask(10, 30)
    _, _, prediction, refined = counts(draw(patient(truth=mask(0, 0), prediction=square, refined=square)), 4)
    _, _, truth, _ = counts(draw(patient(truth=square, prediction=mask(0, 0), refined=mask(0, 0))), 4)
    assert 0.4 * truth[0] < prediction[1] < 0.85 * truth[0]
    assert 0.3 * truth[0] < refined[2] < 0.85 * truth[0]


def test_without_post_processing_there_are_three_panels():
    three, four = draw(replace(patient(), refined=None)), draw(patient())
    assert counts(three, 3)[2][1] > 100
    assert three.shape[1] == four.shape[1]
    assert three.shape[0] > 1.15 * four.shape[0]  # the same width for fewer panels


@pytest.mark.parametrize("modalities", [("ct",), ("pt",), ("mr", "ct")])
def test_other_modalities_are_drawn(modalities):
    panels = counts(draw(patient(modalities)), len(modalities) + 2)
    assert panels[0] == (0, 0, 0)
    assert panels[-2][1] > 50
    assert panels[-1][2] > 50


def test_without_a_tumour_the_slice_goes_through_what_was_predicted():
    empty = mask(0, 0)
    high = mask(8, 20, (10, 12))
    assert counts(draw(patient(truth=empty, prediction=high)), 4)[2][1] > 100
    added = counts(draw(patient(truth=empty, prediction=empty, refined=high)), 4)
    assert added[3][2] > 100  # what post-processing added is seen, too


def test_without_a_prediction_the_truth_is_still_there():
    panels = counts(draw(patient(prediction=None, refined=None)), 3)
    assert panels[2][0] > 200
    assert panels[2][1] == 0


def test_a_phantom_is_marked_in_every_panel():
    assert PHANTOM_TEXT.encode() in figure_3(patient(), title="case", phantom=True)
    plain, marked = draw(patient()), draw(patient(), phantom=True)
    changed = (np.abs(plain - marked).max(axis=2) > 60)[60:-60]
    for panel in np.array_split(changed, 4, axis=1):
        assert panel.mean() > 0.01


def test_same_patient_same_bytes_and_a_title_is_no_formula():
    first, second = (figure_3(patient(), title="$\\frac{$", phantom=False) for _ in range(2))
    assert first == second
