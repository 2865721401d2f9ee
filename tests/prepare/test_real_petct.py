"""The real PET/CT that HNSEG_REAL_DATA names: a head and neck, twelve sarcomas, two lungs in SUV and in Bq/ml."""

import numpy as np
import pytest

from hnseg.prepare.brain import brain_box
from hnseg.prepare.cache import prepare_cohort
from hnseg.prepare.check import check_studies
from hnseg.prepare.images import read_images
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import outside_ml, prepare_study
from hnseg.prepare.table import find_studies
from hnseg.types import Volume

pytestmark = pytest.mark.real


def table(tmp_path, rows):
    csv = tmp_path / "cases.csv"
    csv.write_text("case,ct,pt,tumour\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return find_studies(csv, label_names=("GTVt",), aliases={"tumour": "GTVt"})


@pytest.fixture
def head_and_neck(petct_folder, tmp_path):
    folder = petct_folder / "HN-CHUS-052"
    names = [folder / f"HN-CHUS-052__{kind}.nii.gz" for kind in ("CT", "PT", "pseudoGTV")]
    return table(tmp_path, [("HN-CHUS-052", *names)])


@pytest.fixture
def sarcomas(petct_folder, tmp_path):
    folders = sorted((petct_folder / "sts_ibsi").glob("STS_*"))
    names = ("CT_image.nii.gz", "PET_image.nii.gz", "CT_mask.nii.gz")
    return table(tmp_path, [(folder.name, *(folder / name for name in names)) for folder in folders])


@pytest.fixture
def lungs(petct_folder, tmp_path):
    rows = []
    for folder in sorted((petct_folder / "lung_isbi2018").glob("A-*")):
        for unit, pet in (("suv", "InputPET_SUV_ROI.nii.gz"), ("bq", "InputPET_ROI.nii.gz")):
            files = (folder / "InputCT_ROI.nii.gz", folder / pet, folder / "GTV_Primary_ROI_CT_Staple.nii.gz")
            rows.append((f"{folder.name}-{unit}", *files))
    return table(tmp_path, rows)


def test_brain_box_holds_the_whole_tumour(head_and_neck):
    ready = prepare_study(head_and_neck.studies[0], Recipe())
    assert ready.case.box.source == "brain"
    assert ready.label.sum() / 1000 == pytest.approx(73.7, abs=0.5)  # the published volume is 73.6 ml
    assert not any("outside the box" in note for note in ready.case.notes)


def test_mask_on_the_pet_grid_comes_to_the_ct(head_and_neck):
    ready = prepare_study(head_and_neck.studies[0], Recipe(spacing_mm=2.0))
    assert ready.truth.shape == (132, 324, 434)
    volume_ml = ready.truth.sum() * ready.case.image_grid.voxel_volume_mm3 / 1000
    assert volume_ml == pytest.approx(73.7, rel=0.01)
    inside = ready.images["pt"][ready.label == 1].astype(float)
    assert np.median(inside) > 4.6  # the threshold by which the mask was made
    assert inside.max() == pytest.approx(13.6, abs=0.6)  # linear interpolation lowers a peak


def test_brain_box_does_not_mind_a_reversed_stack(head_and_neck):
    pet = read_images(head_and_neck.studies[0].images, ("pt",))["pt"]
    direction = pet.direction.copy()
    direction[:, 0] *= -1
    origin = tuple(pet.grid.to_lps_mm(np.array([pet.array.shape[0] - 1, 0, 0])))
    reversed_pet = Volume(pet.array[::-1], type(pet.grid)(pet.array.shape, pet.spacing_mm, origin, direction))
    box = brain_box(pet, (144, 144, 144))
    assert brain_box(reversed_pet, (144, 144, 144)).low_mm == pytest.approx(box.low_mm, abs=1e-3)
    mask = prepare_study(head_and_neck.studies[0], Recipe(spacing_mm=4.0)).truth
    assert outside_ml(Volume(mask > 0, read_images(head_and_neck.studies[0].images, ("ct",))["ct"].grid), box) == 0


def test_sarcomas_through_a_table(sarcomas, tmp_path):
    recipe = Recipe(regions=("image",), spacing_mm=1.5)
    found = [finding for finding in check_studies(sarcomas, recipe, 1, False) if finding.level != "note"]
    assert [finding.case_id for finding in found] == ["STS_026"]
    assert "slice of the image cuts GTVt" in found[0].message
    cohort = prepare_cohort(sarcomas.studies, recipe, tmp_path, "sts", workers=1, progress=False)
    assert (len(cohort.cases), cohort.failures) == (12, ())
    for case in cohort.cases:
        prepared_ml = (np.asarray(case.label) > 0).sum() * case.grid.voxel_volume_mm3
        own_ml = (case.truth().array > 0).sum() * case.image_grid.voxel_volume_mm3
        assert prepared_ml == pytest.approx(own_ml, rel=0.05)


def test_pet_in_bq_per_ml_is_flagged_and_so_is_an_impossible_suv(lungs):
    recipe = Recipe(regions=("image",), spacing_mm=3.0)
    found = check_studies(lungs, recipe, 1, False)
    flagged = {finding.case_id for finding in found if "cannot be SUV" in finding.message}
    # half of the first patient's body is above "SUV" 5.6, which no body is
    assert flagged == {"A-IA000991-M-1-0x0-bq", "A-IA000991-M-1-0x0-suv", "A-IA001491-0-0x0-bq"}
    doubles = {finding.case_id for finding in found if "same voxels" in finding.message}
    assert doubles == {"A-IA000991-M-1-0x0-bq", "A-IA001491-0-0x0-bq"}
