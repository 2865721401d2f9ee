import os
from pathlib import Path

import pytest

from hnseg.io import read_grid
from hnseg.io.dicom.file_headers import read_header
from hnseg.io.dicom.objects import RefusedDicomError, Series
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
ROOT_PATH = Path(ROOT or ".")
DICOM = ROOT_PATH / "dicom"


def stacked(folder: str, pattern: str = "*.dcm") -> Series:
    headers = [read_header(path, 64) for path in sorted((DICOM / folder).glob(pattern))]
    assert headers, folder
    return stack([header for header in headers if header.modality in ("CT", "PT")])


def test_a_tilted_uneven_head_is_refused_by_tilt_and_spacing():
    with pytest.raises(RefusedDicomError, match=r"tilt is 18\.5 degrees and the spacing is uneven") as caught:
        stacked("ge_head_ct_tilt")
    assert caught.value.reason == "gantry_tilt"
    assert "1.14, 4.22, 7.38 mm" in caught.value.message


def test_the_first_four_slices_of_the_tilted_head_are_even_and_taken():
    series = stacked("ge_head_ct_tilt", "1[1-4].dcm")
    assert series.tilt_deg == pytest.approx(18.5, abs=0.01)
    assert series.grid.spacing_mm[0] == pytest.approx(4.22 * 0.9483237, abs=1e-3)


def test_a_head_and_neck_ct_of_odd_size_and_few_tags_is_taken():
    series = stacked("hn_ct_picker")
    assert series.grid.matches(Grid((8, 511, 511), (3.0, 1.0, 1.0), (1.0, -511.0, -141.0)), 1e-6)
    assert (series.modality, series.tilt_deg, series.notes) == ("ct", 0.0, ())


@pytest.mark.parametrize(
    ("folder", "pattern", "reference"),
    [
        ("visible_human_rtstruct", "CT_*.dcm", "dicom/visible_human_rtstruct/Image.nii.gz"),
        ("dcmqi_ct_seg/segmentations/ct-3slice", "*.dcm", "dicom/dcmqi_ct_seg/segmentations/partial_overlaps-1.nrrd"),
        ("sts002_ibsi/CT/image", "*.dcm", "petct/sts_ibsi/STS_002/CT_image.nii.gz"),
        ("sts002_ibsi/PET/image", "*.dcm", "petct/sts_ibsi/STS_002/PET_image.nii.gz"),
    ],
)
def test_a_grid_is_that_of_the_reference_image(folder, pattern, reference):
    series = stacked(folder, pattern)
    assert series.grid.matches(read_grid(ROOT_PATH / reference), 1e-3)
    assert series.notes == ()


def test_a_pet_whose_step_was_rounded_up_is_fitted_over_all_slices():
    """Slice Thickness says 3.27 mm; the positions of 64 slices 3.2704 mm."""
    series = stacked("sts001_ge_fdg_pet/PT")
    assert series.modality == "pt"
    assert series.grid.shape_zyx == (64, 128, 128)
    assert series.grid.spacing_mm == pytest.approx((3.2704, 4.6875, 4.6875), abs=1e-4)
    positions = [series.grid.to_lps_mm([i, 0, 0]) for i in range(64)]
    for position, file in zip(positions, series.files, strict=True):
        assert position == pytest.approx(file.image.position_lps_mm, abs=0.02)


def test_one_slice_alone_is_as_thick_as_it_says():
    series = stacked("highdicom_ct_seg", "ct_image.dcm")
    assert series.grid.matches(Grid((1, 128, 128), (5.0, 0.661468, 0.661468), (-158.135803, -179.035797, -75.699997)))
    assert "5 mm thick" in series.notes[0]
