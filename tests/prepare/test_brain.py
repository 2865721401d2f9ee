import dataclasses

import numpy as np
import pytest

from hnseg.prepare.brain import NoBrainFoundError, brain_box
from hnseg.types import Volume

SIZE = (144.0, 144.0, 144.0)


def test_box_lies_where_the_rule_says(patient):
    box = brain_box(patient.pt(), SIZE)
    # smoothing by 3 voxels moves the brain's edge, by less than a smoothing width
    assert box.high_mm[2] == pytest.approx(patient.brain_mm[2] - 60 + 30, abs=20)
    assert np.mean([box.low_mm[0], box.high_mm[0]]) == pytest.approx(patient.brain_mm[0], abs=6)
    assert np.mean([box.low_mm[1], box.high_mm[1]]) == pytest.approx(patient.brain_mm[1] - 30, abs=6)
    assert np.subtract(box.high_mm, box.low_mm) == pytest.approx(SIZE)
    assert box.source == "brain"


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), (0,)), ((2, 1, 0), ()), ((1, 2, 0), (1, 2)), ((0, 2, 1), (0, 1, 2))]
)
def test_box_does_not_depend_on_array_axes(patient, order, flips):
    pet = patient.pt()
    box, again = brain_box(pet, SIZE), brain_box(patient.turned(pet, order, flips), SIZE)
    assert again.low_mm == pytest.approx(box.low_mm, abs=1e-3)
    assert again.high_mm == pytest.approx(box.high_mm, abs=1e-3)


def test_box_moves_with_a_slightly_rotated_patient(patient):
    angle = np.deg2rad(8)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    pet = patient.pt()
    grid = dataclasses.replace(pet.grid, direction=rotation @ pet.direction, origin_mm=tuple(rotation @ pet.origin_mm))
    box, rotated = brain_box(pet, SIZE), brain_box(Volume(pet.array, grid), SIZE)
    assert np.allclose(box.low_mm, rotated.low_mm, atol=8)


def test_box_is_shifted_to_stay_inside_the_image(patient):
    pet = patient.pt()
    low = Volume(pet.array[20:], pet.grid.crop((20, 0, 0), (26, 40, 40)))
    box = brain_box(low, SIZE)
    assert box.low_mm[2] == pytest.approx(low.grid.extent_mm[0, 2])
    assert box.high_mm[2] - box.low_mm[2] == pytest.approx(144)
    narrow = Volume(pet.array[:, :, 8:32], pet.grid.crop((0, 0, 8), (46, 40, 24)))
    assert brain_box(narrow, (144, 144, 200)).low_mm[0] < narrow.grid.extent_mm[0, 0]


def test_larger_hot_mass_below_is_not_the_brain(patient):
    pet = patient.pt()
    hot = pet.array.copy()
    hot[:20, 8:32, 8:32] = 9.0  # a heart or a bladder, larger than the brain
    assert (hot > 3).sum() > 2 * (pet.array > 3).sum()
    box, with_mass = brain_box(pet, SIZE), brain_box(Volume(hot, pet.grid), SIZE)
    assert with_mass.high_mm == pytest.approx(box.high_mm, abs=1e-3)


def test_no_brain_no_box(patient):
    neck = patient.pt()
    neck = Volume(neck.array[:22], neck.grid.crop((0, 0, 0), (22, 40, 40)))
    with pytest.raises(NoBrainFoundError, match="no brain"):
        brain_box(Volume(np.minimum(neck.array, 0.8), neck.grid), SIZE)
    with pytest.raises(NoBrainFoundError):
        brain_box(Volume(np.zeros(patient.pt_grid.shape_zyx), patient.pt_grid), SIZE)


def test_bq_per_ml_is_not_mistaken_for_a_brain(patient):
    pet = patient.pt()
    with pytest.raises(NoBrainFoundError, match="ml"):
        brain_box(Volume(pet.array * 5000, pet.grid), SIZE)
