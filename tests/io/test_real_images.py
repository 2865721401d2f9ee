import os
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.geometry import from_sitk, overlap_fraction
from hnseg.io import read_grid, read_volume, write_volume

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
PETCT = sorted((Path(ROOT) / "petct").rglob("*.nii.gz")) if ROOT else []
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def test_every_petct_nifti_reads_as_nibabel_does():
    assert PETCT, "no NIfTI below petct"
    for path in PETCT:
        with warnings.catch_warnings(action="error"):
            volume = read_volume(path)
        theirs = nib.load(path)
        expected = RAS_TO_LPS @ theirs.affine
        np.testing.assert_allclose(volume.grid.affine[:3, 2::-1], expected[:3, :3], atol=1e-5, err_msg=path.name)
        np.testing.assert_allclose(volume.origin_mm, expected[:3, 3], atol=1e-4, err_msg=path.name)
        np.testing.assert_array_equal(volume.array, np.asanyarray(theirs.dataobj).T, err_msg=path.name)
        assert read_grid(path).matches(volume.grid, 0.0)


def test_sarcoma_files_with_a_qform_alone_have_pet_inside_ct():
    folders = sorted({path.parent for path in PETCT if "sts_ibsi" in path.parts})
    assert folders, "no sts_ibsi below petct"
    for folder in folders:
        header = nib.load(folder / "CT_image.nii.gz").header
        assert (int(header["sform_code"]), int(header["qform_code"])) == (0, 1)
        ct, pet = read_grid(folder / "CT_image.nii.gz"), read_grid(folder / "PET_image.nii.gz")
        assert overlap_fraction(pet, ct) > 0.8, folder.name
        assert read_grid(folder / "CT_mask.nii.gz").matches(ct)


def test_nrrd_of_organs_read_as_simpleitk_does_and_survive_a_round_trip(tmp_path):
    files = sorted((Path(ROOT) / "oar").rglob("*.nrrd"))
    assert files, "no NRRD below oar"
    for path in files[:: max(len(files) // 12, 1)]:
        volume = read_volume(path)
        theirs = from_sitk(sitk.ReadImage(str(path)))
        np.testing.assert_array_equal(volume.array, theirs.array, err_msg=str(path))
        assert volume.grid.matches(theirs.grid, 1e-3), path
        write_volume(volume, tmp_path / "copy.nii.gz")
        copy = read_volume(tmp_path / "copy.nii.gz")
        assert copy.grid.matches(volume.grid, 1e-3)
        np.testing.assert_array_equal(copy.array, volume.array)
