from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from hnseg.report.augmented import augmented_samples
from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.structures import structure_colors
from tests.report.organs import ORGANS, samples


def draw(stored, **options):
    png = augmented_samples(stored, **({"phantom": False} | options))
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def ink(pixels, name):
    color = structure_colors(ORGANS)[name]
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels - wanted).max(axis=2) < 30).sum())


def test_before_and_after_are_outlined_side_by_side():
    stored = samples(1)  # the slice of the jaw
    pixels = draw(stored)[:-80]  # above the legend
    left, right = np.array_split(pixels, 2, axis=1)
    assert ink(left, "Mandible") > 50
    assert ink(right, "Mandible") > 50
    unlabelled = draw(stored | {"after_label": 0 * stored["after_label"]})[:-80]
    assert ink(np.array_split(unlabelled, 2, axis=1)[1], "Mandible") == 0


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_samples_is_drawn(count):
    assert draw(samples(count)).shape[1] == 1248


def test_the_picture_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr("hnseg.report.augmented.MOST_PAIRS", 1)
    assert draw(samples(4)).shape == draw(samples(1)).shape


def test_without_labels_and_without_air_it_is_drawn():
    stored = samples(1)
    flat = {"before": np.ones_like(stored["before"]), "before_label": 0 * stored["before_label"]}
    assert draw(stored | flat | {"after_label": 0 * stored["after_label"]}).size


def test_a_phantom_is_marked():
    assert PHANTOM_TEXT.encode() in augmented_samples(samples(1), phantom=True)
    assert PHANTOM_TEXT.encode() not in augmented_samples(samples(1), phantom=False)
