"""The real head and neck that HNSEG_REAL_DATA names, read as a study of PET slices through a table."""

import dataclasses

import numpy as np
import pytest

from hnseg.geometry import resample
from hnseg.io.volume import read_grid, read_volume, write_volume
from hnseg.prepare.axial import axial_grid
from hnseg.prepare.check import check_studies
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study
from hnseg.prepare.turku import from_csv
from hnseg.types import Volume

pytestmark = pytest.mark.real

RECIPE = Recipe(
    modalities=("pt",), label_names=("GTV",), regions=("rainio2024",), slice_size_yx=(128, 128), box_size_mm=None
)


@pytest.fixture
def found(petct_folder, tmp_path):
    files = (petct_folder / "HN-CHUS-052" / f"HN-CHUS-052__{kind}.nii.gz" for kind in ("PT", "pseudoGTV"))
    csv = tmp_path / "cases.csv"
    csv.write_text("case,pet,mask\nHN-CHUS-052," + ",".join(map(str, files)) + "\n")
    return from_csv(csv)


@pytest.mark.parametrize(("variant", "ml"), [("paper", 81.9), ("code", 85.3)])
def test_slices_of_a_real_pet(found, variant, ml):
    (study,) = found.studies
    ready = prepare_study(study, dataclasses.replace(RECIPE, variant=variant))
    pet_grid = axial_grid(read_grid(study.images["pt"]))
    assert ready.label.shape == ready.images["pt"].shape == (pet_grid.shape_zyx[0], 128, 128)
    volume_ml = ready.label.sum() * ready.case.grid.voxel_volume_mm3 / 1000
    assert volume_ml == pytest.approx(ml, abs=0.1)  # of 73.7: less than half of a pixel is enough for both rules
    inside = ready.images["pt"][ready.label == 1].astype(float)
    assert np.median(inside) > 4.6  # the threshold by which the mask was made
    back = resample(Volume(ready.label, ready.case.grid), read_grid(study.images["pt"]), "nearest").array > 0
    own = ready.truth > 0
    assert (back & own).sum() / own.sum() > 0.98
    assert 2 * (back & own).sum() / (back.sum() + own.sum()) > 0.9


def test_mask_on_the_ct_comes_to_the_pet_first(found, petct_folder, tmp_path):
    (study,) = found.studies
    ct_grid = read_grid(petct_folder / "HN-CHUS-052" / "HN-CHUS-052__CT.nii.gz")
    mask = read_volume(study.masks["GTV"][0])
    path = tmp_path / "mask.nii.gz"
    write_volume(resample(mask, ct_grid, "nearest"), path)
    other = dataclasses.replace(study, masks={"GTV": (path, 1)})
    one, two = prepare_study(study, RECIPE), prepare_study(other, RECIPE)
    assert 2 * (one.label & two.label).sum() / (one.label.sum() + two.label.sum()) > 0.9


def test_check_has_no_complaint(found):
    assert [one for one in check_studies(found, RECIPE, 1, False) if one.level != "note"] == []
