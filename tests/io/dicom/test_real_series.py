import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.geometry import from_sitk
from hnseg.io import read_volume
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.pixels import read_series
from hnseg.io.dicom.scan import scan
from hnseg.io.dicom.stack import stack

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
DATA = Path(ROOT or "")
FILES = {
    "dcmqi_ct_seg/segmentations": {"SEG": 2},
    "dcmqi_ct_seg/segmentations/ct-3slice": {"CT": 3},
    "ge_head_ct_tilt": {"CT": 8},
    "highdicom_ct_seg": {"CT": 1, "SEG": 5, "SR": 2},
    "hn_ct_picker": {"CT": 8},
    "sts001_ge_fdg_pet/PT": {"PT": 64},
    "sts001_ge_fdg_pet/RTSTRUCT": {"RTSTRUCT": 1},
    "sts002_ibsi/CT/image": {"CT": 48},
    "sts002_ibsi/CT/mask": {"RTSTRUCT": 1},
    "sts002_ibsi/PET/image": {"PT": 48},
    "sts002_ibsi/PET/mask": {"RTSTRUCT": 1},
    "visible_human_rtstruct": {"CT": 4, "RTSTRUCT": 1},
}


@pytest.fixture(scope="module")
def found():
    return scan(DATA / "dicom")


@pytest.fixture
def images(found):
    def of(folder):
        inside = DATA / "dicom" / folder
        return [header for header in found.headers if header.path.parent == inside and header.modality in ("CT", "PT")]

    return of


def test_every_set_is_scanned(found):
    counted = defaultdict(lambda: defaultdict(int))
    for header in found.headers:
        counted[header.path.parent.relative_to(DATA / "dicom").as_posix()][header.modality] += 1
    assert {folder: dict(kinds) for folder, kinds in counted.items()} == FILES
    assert {error.reason for _, error in found.skipped} == {"no_dicom"}
    assert all(not path.name.endswith(".dcm") for path, _ in found.skipped)


def test_structure_sets_and_segmentations_refer_to_series_that_are_there_or_say_nothing(found):
    series = {header.series_uid for header in found.headers if header.image is not None}
    drawn = [header for header in found.headers if header.modality in ("RTSTRUCT", "SEG")]
    assert all(header.frame_uid for header in drawn)
    assert sum(bool(series & set(header.references)) for header in drawn) >= 6


@pytest.mark.parametrize(
    ("folder", "reference", "tolerance"),
    [
        ("sts002_ibsi/CT/image", "petct/sts_ibsi/STS_002/CT_image.nii.gz", 0.0),
        ("sts002_ibsi/PET/image", "petct/sts_ibsi/STS_002/PET_image.nii.gz", 1e-5),
        ("visible_human_rtstruct", "dicom/visible_human_rtstruct/Image.nii.gz", 0.0),
    ],
)
def test_series_equal_their_published_volumes(folder, reference, tolerance, images):
    volume, expected = read_series(stack(images(folder))), read_volume(DATA / reference)
    assert volume.grid.matches(expected.grid)
    np.testing.assert_allclose(volume.array, expected.array, rtol=0, atol=tolerance)
    assert volume.array.dtype == (np.float32 if "PET" in folder else np.int16)


@pytest.mark.parametrize("folder", ["hn_ct_picker", "dcmqi_ct_seg/segmentations/ct-3slice"])
def test_ct_equal_what_simpleitk_reads(folder, images):
    series = stack(images(folder))
    volume = read_series(series)
    theirs = from_sitk(sitk.ReadImage([str(header.path) for header in series.files]))
    np.testing.assert_array_equal(volume.array, theirs.array)
    assert volume.grid.matches(theirs.grid)


def test_a_pet_of_which_slices_are_given_reads(images):
    volume = read_series(stack(images("sts001_ge_fdg_pet/PT")))
    assert volume.array.shape == (64, 128, 128)
    assert volume.array.min() == 0
    assert 10 < volume.array.max() < 100


def test_an_uneven_tilted_ct_is_refused_by_name(images):
    with pytest.raises(RefusedDicomError, match=r"18\.5 degrees") as refusal:
        stack(images("ge_head_ct_tilt"))
    assert refusal.value.reason == "gantry_tilt"
