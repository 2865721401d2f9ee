from io import BytesIO

import matplotlib
import numpy as np
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.pictures import PREDICTION_COLOR, TRUTH_COLOR, Patient, patient_picture
from hnseg.types import Grid, Volume


def patient(modalities=("ct", "pt"), truth=True, prediction=True, shape=(12, 14, 16)):
    grid = Grid(shape, (3.0, 2.0, 2.0))
    rng = np.random.Generator(np.random.Philox(0))
    images = {name: Volume(rng.uniform(0, 5, shape).astype(np.float32), grid) for name in modalities}
    true, found = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    true[4:8, 4:8, 4:8] = truth
    found[5:9, 5:9, 5:9] = 1
    return Patient("case", images, Volume(true, grid), Volume(found, grid) if prediction else None)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def count(image, color):
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(image - wanted).max(axis=2) < 40).sum())


def draw(which, **options):
    return patient_picture(which, title="case   Dice 0.5", **({"phantom": False} | options))


def test_truth_and_prediction_are_outlined_in_their_colours():
    both, truth_alone = pixels(draw(patient())), pixels(draw(patient(prediction=False)))
    assert count(both, TRUTH_COLOR) > 500
    assert count(both, PREDICTION_COLOR) > 500
    # what is left of the prediction's colour is the line in the legend
    assert count(truth_alone, PREDICTION_COLOR) < 0.2 * count(both, PREDICTION_COLOR)


def test_a_phantom_cannot_be_mistaken():
    plain, marked = draw(patient()), draw(patient(), phantom=True)
    assert PHANTOM_TEXT.encode() in marked
    assert PHANTOM_TEXT.encode() not in plain
    a, b = pixels(plain), pixels(marked)
    assert a.shape == b.shape
    rows, columns = 3, 3
    changed = (np.abs(a - b).max(axis=2) > 60)[70:-40]  # below the title, above the legend
    for band in np.array_split(changed, rows, axis=0):
        for panel in np.array_split(band, columns, axis=1):
            assert panel.mean() > 0.01, "a panel without a watermark could be cut out"


@pytest.mark.parametrize("modalities", [("ct",), ("ct", "pt"), ("mr",)])
def test_rows_follow_the_modalities(modalities):
    rows = {1: 1, 2: 3}[len(modalities)]
    assert pixels(draw(patient(modalities))).shape[0] > 300 * rows * 12 / 16


def test_no_truth_and_no_prediction_still_gives_a_picture():
    assert draw(patient(truth=False, prediction=False)).startswith(b"\x89PNG")


def test_same_patient_same_bytes():
    assert draw(patient()) == draw(patient())


def test_a_title_is_no_formula():
    assert patient_picture(patient(), title="$\\frac{$", phantom=False).startswith(b"\x89PNG")


def test_no_matplotlib_state_leaks():
    before = dict(matplotlib.rcParams)
    draw(patient())
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in vars(matplotlib) or not matplotlib.pyplot.get_fignums()
