import dataclasses

import cv2
import numpy as np
import pytest

from hnseg.geometry import image_box, resample
from hnseg.prepare.box import choose_box
from hnseg.prepare.images import prepare_images
from hnseg.prepare.rainio2024 import slices_grid
from hnseg.prepare.recipe import Recipe
from hnseg.types import Grid, Volume

RECIPE = Recipe(modalities=("pt",), regions=("rainio2024",), slice_size_yx=(128, 128), spacing_mm=9.0, box_size_mm=None)


def pet(shape, spacing=(3.3, 1.1, 1.3)) -> Volume:
    array = np.random.default_rng(0).uniform(0, 12, shape).astype(np.float32)
    return Volume(array, Grid(shape, spacing, (-200.0, -180.0, -310.0)))


def prepare(volume: Volume, recipe: Recipe = RECIPE):
    box, notes = choose_box({"pt": volume}, None, recipe)
    arrays, grid = prepare_images({"pt": volume}, recipe, box)
    return arrays["pt"], grid, box, notes


@pytest.mark.parametrize(
    "shape", [(3, 512, 512), (2, 400, 400), (2, 144, 144), (2, 72, 72), (2, 128, 128), (2, 90, 260)]
)
def test_slices_are_what_opencv_makes_of_them(shape):
    volume = pet(shape)
    prepared, grid, _, _ = prepare(volume)
    expected = np.stack([cv2.resize(own, (128, 128)) for own in volume.array])
    assert grid.shape_zyx == prepared.shape == (shape[0], 128, 128)
    assert prepared.astype(float) == pytest.approx(expected, abs=0.006)  # float16: 0.05 % of 12


def test_interpolation_is_opencvs_to_its_own_precision():
    volume = pet((2, 400, 300))
    ours = resample(volume, slices_grid(volume.grid, (128, 96))).array
    assert ours == pytest.approx(np.stack([cv2.resize(own, (96, 128)) for own in volume.array]), abs=2e-4)


def test_edges_stay_and_slices_too():
    own = Grid((5, 512, 400), (3.3, 1.0, 1.5), (-300.0, -256.0, 40.0))
    grid = slices_grid(own, (128, 128))
    assert grid.spacing_mm == (3.3, 4.0, 1.5 * 400 / 128)
    assert grid.extent_mm == pytest.approx(own.extent_mm)
    assert grid.origin_mm[2] == 40.0
    assert slices_grid(own, (512, 400)).matches(own, 1e-9)


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), (1,)), ((2, 1, 0), ()), ((1, 0, 2), (0, 2)), ((0, 2, 1), (0, 1, 2))]
)
def test_patient_is_seen_the_same_way_however_the_file_stores_them(patient, order, flips):
    volume = pet((4, 96, 80))
    prepared, grid, _, _ = prepare(volume)
    turned, turned_grid, _, _ = prepare(patient.turned(volume, order, flips))
    assert turned_grid.matches(grid, 1e-6)
    assert turned.astype(float) == pytest.approx(prepared.astype(float), abs=0.01)


def test_a_turned_head_keeps_its_own_slices():
    angle = np.deg2rad(12)
    z, y = np.array([0, np.sin(angle), np.cos(angle)]), np.array([0, np.cos(angle), -np.sin(angle)])
    own = Grid((4, 64, 64), (3.0, 2.0, 2.0), (5.0, 6.0, 7.0), np.stack([z, y, [1, 0, 0]], axis=1))
    volume = Volume(pet((4, 64, 64)).array, own)
    prepared, grid, _, _ = prepare(volume)
    assert grid.direction == pytest.approx(own.direction)
    expected = np.stack([cv2.resize(one, (128, 128)) for one in volume.array])
    assert prepared.astype(float) == pytest.approx(expected, abs=0.01)


def test_box_is_all_of_the_image_and_says_so():
    volume = pet((4, 60, 60))
    _, _, box, notes = prepare(volume)
    assert (box.low_mm, box.high_mm) == (image_box(volume.grid).low_mm, image_box(volume.grid).high_mm)
    assert box.source == "rainio2024"
    assert notes[-1].startswith("box: all slices of the PET")


def test_images_are_the_same_for_both_rules_and_at_each_call():
    volume = pet((3, 100, 100))
    code = dataclasses.replace(RECIPE, variant="code")
    first, again, other = prepare(volume)[0], prepare(volume)[0], prepare(volume, code)[0]
    assert first.tobytes() == again.tobytes() == other.tobytes()


def test_mask_on_the_slices_lies_on_the_patients_grid_where_it_was():
    own = Grid((6, 512, 512), (3.3, 1.0, 1.0), (-256.0, -250.0, 40.0))
    inside = np.zeros(own.shape_zyx, np.uint8)
    inside[2:4, 160:192, 300:340] = 1  # whole pixels of 4 x 4
    grid = slices_grid(own, (128, 128))
    small = np.zeros(grid.shape_zyx, np.uint8)
    small[2:4, 40:48, 75:85] = 1
    assert (resample(Volume(small, grid), own, "nearest").array == inside).all()
