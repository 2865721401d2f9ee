import dataclasses

import numpy as np
import pytest

from hnseg.prepare.masks import label_map, on_grid, read_masks
from hnseg.types import Grid, Study, Volume


def test_value_zero_takes_every_voxel_above_one_half(study, patient):
    mask = patient.mask()
    path = patient.write(Volume(mask.array * np.uint8(255), mask.grid), study.masks["GTVt"][0].with_name("m.nii.gz"))
    masks = read_masks(dataclasses.replace(study, masks={"GTVt": (path, 0)}), ("GTVt",), patient.ct_grid, False)
    assert np.array_equal(masks["GTVt"].array, mask.array > 0)


def test_label_map_with_two_structures_and_one_that_nobody_annotated(study, patient):
    array = patient.mask().array.copy()
    array[2, 2, 2] = 2
    path = patient.write(Volume(array, patient.ct_grid), study.masks["GTVt"][0])
    two = dataclasses.replace(study, masks={"GTVp": (path, 1), "GTVn": (path, 2)})
    masks = read_masks(two, ("GTVn", "GTVp", "LN"), patient.ct_grid, False)
    assert list(masks) == ["GTVn", "GTVp"]
    labels = label_map(masks, ("GTVn", "GTVp", "LN"), patient.ct_grid)
    assert labels[2, 2, 2] == 1
    assert np.array_equal(labels == 2, array == 1)


def test_empty_mask_names_file_expectation_and_remedy(study, patient):
    path = patient.write(Volume(np.zeros(patient.ct_grid.shape_zyx, np.uint8), patient.ct_grid), study.masks["GTVt"][0])
    with pytest.raises(ValueError, match=r"_gtvt\.nii\.gz has no voxel of GTVt .*allow_empty"):
        read_masks(study, ("GTVt",), patient.ct_grid, False)
    assert not read_masks(study, ("GTVt",), patient.ct_grid, True)["GTVt"].array.any()
    assert path.exists()


def test_value_that_no_structure_has_is_refused(study, patient):
    patient.write(Volume(patient.mask().array * np.uint8(3), patient.ct_grid), study.masks["GTVt"][0])
    with pytest.raises(ValueError, match=r"values \[3"):
        read_masks(study, ("GTVt",), patient.ct_grid, True)


def test_mask_on_the_pet_grid_is_brought_to_the_ct(patient):
    on_ct = on_grid(Volume(patient.mask(patient.pt_grid).array > 0, patient.pt_grid), patient.ct_grid)
    expected = patient.mask().array > 0
    assert 2 * (on_ct & expected).sum() / (on_ct.sum() + expected.sum()) > 0.7  # 6 mm voxels, 14 mm radius


def test_mask_of_another_scan_is_refused(study: Study, patient):
    far = Grid((4, 4, 4), (5.0, 5.0, 5.0), (2000.0, 0.0, 0.0))
    patient.write(Volume(np.ones((4, 4, 4), np.uint8), far), study.masks["GTVt"][0])
    with pytest.raises(ValueError, match="does not overlap"):
        read_masks(study, ("GTVt",), patient.ct_grid, False)


def test_overlapping_structures_keep_the_later_name(patient):
    mask = Volume(patient.mask().array > 0, patient.ct_grid)
    assert set(np.unique(label_map({"a": mask, "b": mask}, ("a", "b"), patient.ct_grid))) == {0, 2}
