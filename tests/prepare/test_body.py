import numpy as np
import pytest

from hnseg.prepare.body import body_box, head_neck_box
from hnseg.prepare.images import prepare_images
from hnseg.prepare.recipe import Recipe
from hnseg.types import Volume


def test_body_box_has_its_size_and_all_slices(patient):
    ct = patient.person()
    box = body_box(ct, (None, 280.0, 240.0))
    assert np.subtract(box.high_mm, box.low_mm)[:2] == pytest.approx([240, 280])
    assert np.add(box.high_mm, box.low_mm)[:2] / 2 == pytest.approx([0, 0], abs=5)
    assert (box.low_mm[2], box.high_mm[2]) == (-312.5, 7.5)
    assert box.source == "body"


def test_height_hangs_from_above_the_head(patient):
    ct = patient.person()
    box = body_box(ct, (200.0, 280.0, 280.0))
    assert box.high_mm[2] == 7.5  # the scan ends before the margin does
    assert box.high_mm[2] - box.low_mm[2] == pytest.approx(200)
    high = ct.grid.crop((0, 0, 0), (100, 56, 100))
    air_above = Volume(np.concatenate([ct.array, np.full((36, 56, 100), -1000, np.int16)]), high)
    assert body_box(air_above, (200.0, 280.0, 280.0)).high_mm[2] == pytest.approx(50, abs=10)


def test_scan_that_is_smaller_than_the_box_is_padded_with_air(patient):
    ct = patient.person()
    small = Volume(ct.array[:, :46, 30:72], ct.grid.crop((0, 0, 30), (64, 46, 42)))
    recipe = Recipe(modalities=("ct",), regions=("body",), box_size_mm=(None, 280.0, 280.0), spacing_mm=(5.0, 4.0, 4.0))
    box = body_box(small, (None, 280.0, 280.0))
    arrays, grid = prepare_images({"ct": small}, recipe, box)
    assert grid.shape_zyx == (64, 70, 70)
    assert (arrays["ct"][:, :, [0, -1]] == -1024).all()
    assert arrays["ct"][32, 35, 35] == 40


def test_head_neck_box_keeps_the_head_and_leaves_the_chest(patient):
    ct = patient.person()
    box = head_neck_box(ct)
    assert box.source == "head_neck"
    assert box.low_mm[:2] == pytest.approx((-90, -110), abs=6)
    assert box.high_mm[:2] == pytest.approx((90, 110), abs=6)
    assert box.low_mm[2] == pytest.approx(-240 - 50, abs=5)
    assert box.high_mm[2] == 7.5  # no further than the scan


def test_scan_without_shoulders_keeps_its_lowest_slice(patient):
    ct = patient.person()
    head = Volume(ct.array[20:], ct.grid.crop((20, 0, 0), (44, 56, 100)))
    assert head_neck_box(head).low_mm[2] == head.grid.extent_mm[0, 2]
