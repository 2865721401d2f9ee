import dataclasses

import numpy as np
import pytest

from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import outside_ml, prepare_study
from hnseg.types import BoxMm, Volume


def test_label_lies_where_the_tumour_is(study, patient):
    ready = prepare_study(study, Recipe(spacing_mm=3.0))
    centre = ready.case.grid.to_lps_mm(np.argwhere(ready.label)).mean(axis=0)
    assert centre == pytest.approx(patient.tumour_mm, abs=3)
    assert ready.label.sum() * 27 == pytest.approx(
        patient.mask().array.sum() * patient.ct_grid.voxel_volume_mm3, rel=0.1
    )


def test_code_variant_label_and_image_agree(study):
    ready = prepare_study(study, Recipe(variant="code"))
    inside = ready.images["pt"][ready.label == 1]
    assert np.median(inside) > 4 * np.median(ready.images["pt"])


def test_tumour_outside_the_box_is_noted_or_refused(study, patient):
    low, high = np.array([-60.0, -120.0, -200.0]), np.array([84.0, 24.0, -56.0])
    shift = np.array([0, 0, -high[2] + patient.tumour_mm[2]])
    box = BoxMm(tuple(low + shift), tuple(high + shift))
    notes = prepare_study(dataclasses.replace(study, box=box), Recipe(spacing_mm=3.0)).case.notes
    assert any("ml of GTVt lie outside the box" in note for note in notes)
    away = BoxMm((-60.0, -20.0, -290.0), (84.0, 90.0, -150.0))
    with pytest.raises(ValueError, match=r"_gtvt\.nii\.gz has .* ml of GTVt"):
        prepare_study(dataclasses.replace(study, box=away), Recipe(spacing_mm=3.0))
    recipe = Recipe(spacing_mm=3.0, allow_empty=True)
    assert not prepare_study(dataclasses.replace(study, box=away), recipe).label.any()


def test_pet_in_bq_is_prepared_with_a_note(study, patient):
    pet = patient.pt()
    patient.write(Volume(pet.array * 5000, pet.grid), study.images["pt"])
    ready = prepare_study(study, Recipe(spacing_mm=6.0))
    assert any("cannot be SUV" in note for note in ready.case.notes)
    assert ready.case.box.source == "image"
    assert ready.images["pt"].dtype == np.float16  # 60000 still fits


def test_outside_ml(patient):
    mask = Volume(patient.mask().array > 0, patient.ct_grid)
    whole = mask.array.sum() * patient.ct_grid.voxel_volume_mm3 / 1000
    left = BoxMm((-500, -500, -500), (float(patient.tumour_mm[0]), 500, 500))
    assert 0.2 * whole < outside_ml(mask, left) < 0.8 * whole
    assert outside_ml(mask, BoxMm((-500, -500, -500), (500, 500, 500))) == 0
