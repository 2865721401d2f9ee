import dataclasses

import numpy as np
import pytest

from hnseg.prepare.check import check_studies, format_findings
from hnseg.prepare.findings import Failure, Findings
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Grid, Volume

RECIPE = Recipe(spacing_mm=6.0)


def check(*studies, problems=(), recipe=RECIPE):
    return check_studies(Findings.of(studies, problems), recipe, workers=1, progress=False)


def about(findings, level):
    return [f"{finding.file} {finding.message} {finding.remedy}" for finding in findings if finding.level == level]


def test_sound_study_has_only_the_disk_note(make_study, study):
    found = check(study)
    assert about(found, "error") == []
    assert [text for text in about(found, "warning") if "spacing" not in text] == []
    assert "1 patients will take about 0.00 GB" in about(found, "note")[-1]


def test_problem_of_the_layout_is_an_error(study):
    found = check(study, problems=[Failure("P9", "no CT")])
    assert (found[0].case_id, found[0].level, found[0].message) == ("P9", "error", "no CT")


def write_pet(patient, study, array, grid=None):
    patient.write(Volume(array.astype(np.float32), grid or patient.pt_grid), study.images["pt"])


def break_missing(patient, study):
    study.images["pt"].unlink()


def break_not_an_image(patient, study):
    study.images["pt"].write_bytes(b"PatientID,x1\n" * 100)


def break_overlap(patient, study):
    write_pet(
        patient,
        study,
        patient.pt().array,
        Grid(patient.pt_grid.shape_zyx, patient.pt_grid.spacing_mm, (400.0, 0.0, 0.0)),
    )


def break_nan(patient, study):
    array = patient.pt().array
    array[1, 2, 3] = np.nan
    write_pet(patient, study, array)


def break_constant(patient, study):
    write_pet(patient, study, np.ones(patient.pt_grid.shape_zyx))


def break_empty_mask(patient, study):
    patient.write(Volume(np.zeros(patient.ct_grid.shape_zyx, np.uint8), patient.ct_grid), study.masks["GTVt"][0])


def break_mask_place(patient, study):
    patient.write(
        Volume(np.ones((3, 3, 3), np.uint8), Grid((3, 3, 3), (5.0, 5.0, 5.0), (999.0, 0.0, 0.0))),
        study.masks["GTVt"][0],
    )


@pytest.mark.parametrize(
    ("break_it", "file", "word"),
    [
        (break_missing, "_pt.nii.gz", ""),
        (break_not_an_image, "_pt.nii.gz", ""),
        (break_overlap, "_pt.nii.gz", "0%"),
        (break_nan, "_pt.nii.gz", "1 voxels are NaN"),
        (break_constant, "_pt.nii.gz", "one value"),
        (break_empty_mask, "_gtvt.nii.gz", "no voxel of GTVt"),
        (break_mask_place, "_gtvt.nii.gz", "does not overlap"),
    ],
)
def test_what_cannot_be_prepared_is_an_error_with_file_and_remedy(patient, make_study, break_it, file, word):
    study, other = make_study("P1"), make_study("P2", 1)
    break_it(patient, study)
    found = check(study, other)
    assert {finding.case_id for finding in found if finding.level == "error"} == {"P1"}
    assert any(file in text and word in text for text in about(found, "error"))
    assert all(finding.remedy for finding in found)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda suv: suv * 5000, "Bq/ml"),
        (lambda suv: suv - 1, "lowest value"),
        (lambda suv: suv / suv.max() * 0.9, "scaled"),
        (lambda suv: np.where(suv > 11.9, 300, suv), "highest value"),
    ],
)
def test_pet_that_cannot_be_suv_is_a_warning(patient, study, change, word):
    write_pet(patient, study, change(patient.pt().array))
    texts = about(check(study), "warning")
    assert any("cannot be SUV" in text and word in text and "_pt.nii.gz" in text for text in texts)


def test_odd_spacing_and_ct_without_air(patient, study):
    ct = patient.ct()
    grid = dataclasses.replace(ct.grid, spacing_mm=(8.0, 0.1, 7.0))
    patient.write(Volume(ct.array, grid), study.images["ct"])
    assert any("8 x 0.1 x 7 mm" in text for text in about(check(study), "warning"))
    patient.write(Volume((ct.array + 1024).astype(np.int16), ct.grid), study.images["ct"])
    assert any("no air in HU" in text for text in about(check(study), "warning"))


def test_same_voxels_and_same_look_under_two_names(patient, make_study):
    one, copy, alike, other = (make_study(f"P{index}", seed) for index, seed in enumerate((0, 0, 0, 5)))
    ct = patient.ct(seed=0)
    nudged = ct.array + np.random.default_rng(9).integers(-1, 2, ct.array.shape)
    patient.write(Volume(nudged.astype(np.int16), ct.grid), alike.images["ct"])
    moved = np.roll(patient.ct(seed=5).array, 5, axis=0)  # another patient lies elsewhere
    patient.write(Volume(moved, ct.grid), other.images["ct"])
    found = check(one, copy, alike, other)
    assert any(
        finding.case_id == "P0" and "same voxels as P1" in finding.message
        for finding in found
        if finding.level == "error"
    )
    assert any(
        finding.case_id == "P0" and "looks like P2" in finding.message
        for finding in found
        if finding.level == "warning"
    )
    assert not any("P3" in finding.message for finding in found)


def test_tumour_that_a_derived_box_would_lose(patient, study):
    far = np.zeros(patient.ct_grid.shape_zyx, np.uint8)
    far[1:3, 15:17, 15:17] = 1
    patient.write(Volume(far | patient.mask().array, patient.ct_grid), study.masks["GTVt"][0])
    warning = [text for text in about(check(study), "warning") if "loses" in text]
    assert len(warning) == 1
    assert "loses 8 of" in warning[0]
    assert "(3.14 ml)" in warning[0]
    published = dataclasses.replace(study, box=BoxMm((-72.0, -120.0, -300.0), (72.0, 24.0, 20.0)))
    found = check(published, recipe=Recipe(spacing_mm=6.0, box_size_mm=(320, 144, 144)))
    assert not [text for text in about(found, "warning") if "loses" in text]
    assert not [text for text in about(found, "note") if "loses" in text]


def test_derived_box_is_tried_beside_a_published_one(patient, study):
    far = np.zeros(patient.ct_grid.shape_zyx, np.uint8)
    far[1:3, 15:17, 15:17] = 1
    patient.write(Volume(far, patient.ct_grid), study.masks["GTVt"][0])
    published = dataclasses.replace(study, box=BoxMm((-72.0, -72.0, -310.0), (72.0, 72.0, -166.0)))
    assert any("derived from the brain" in text and "loses 8 of 8" in text for text in about(check(published), "note"))


def test_a_box_in_which_nothing_is_left_is_an_error_as_it_is_in_preparing(study):
    elsewhere = dataclasses.replace(study, box=BoxMm((-72.0, -72.0, -20.0), (-40.0, -40.0, 10.0)))
    recipe = Recipe(spacing_mm=6.0, box_size_mm=(30, 32, 32))
    assert any(
        "loses" in text and "correct the patient's line" in text
        for text in about(check(elsewhere, recipe=recipe), "error")
    )
    forgiving = dataclasses.replace(recipe, allow_empty=True)
    assert not [text for text in about(check(elsewhere, recipe=forgiving), "error") if "loses" in text]


def test_text_counts_and_names(study):
    found = check(study, problems=[Failure("P9", "/data/P9 has no CT")])
    text = format_findings(found)
    assert text.splitlines()[0].startswith("ERROR   P9: /data/P9 has no CT; ")
    assert text.splitlines()[-1].startswith("1 error, ")
