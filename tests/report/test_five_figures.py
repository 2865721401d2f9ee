from io import BytesIO

import numpy as np
import pandas as pd
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.five_figures import five_boxes


def picture(scores, phantom=False):
    image = Image.open(BytesIO(five_boxes(pd.DataFrame(scores), phantom=phantom)))
    return np.asarray(image.convert("RGB")).astype(int), image.text


def test_boxes_are_white_square_and_marked():
    scores = {name: np.linspace(0, 1, 9) for name in ("CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN")}
    pixels, text = picture(scores)
    assert pixels.shape == (600, 600, 3)
    assert (np.ptp(pixels, axis=2) == 0).all(), "black and white alone"
    marked, said = picture(scores, phantom=True)
    assert np.ptp(marked, axis=2).max() > 50
    assert "Description" not in text
    assert said["Description"] == PHANTOM_TEXT


def test_a_missing_method_leaves_its_place_empty():
    whole = {name: np.full(5, 0.5) for name in ("CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN")}
    part = {name: values for name, values in whole.items() if name != "CNNcm"}
    drawn, lacking = (picture(scores)[0].mean(axis=2) < 128 for scores in (whole, part))
    columns = np.flatnonzero((drawn != lacking).any(axis=0))
    inside = np.flatnonzero(drawn.any(axis=0))
    middle = (inside.min() + inside.max()) / 2
    assert len(columns) > 20
    assert abs(columns.mean() - middle) < 0.1 * 600
