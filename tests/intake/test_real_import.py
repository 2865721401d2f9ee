"""Every real DICOM set through one import: what comes out, and what is refused under which name."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from hnseg.intake.carry_out import Settings
from hnseg.intake.importer import Imported, import_folder
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io import read_volume
from hnseg.types import Volume

ROOT = Path(os.environ.get("HNSEG_REAL_DATA", ""))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not str(ROOT).strip("."), reason="HNSEG_REAL_DATA is not set; it names a folder with dicom"),
]
NAMES = Pseudonyms(b"k" * 32)
ALIASES = {"BODY": "Body", "Liver": "Liver", "GTV_Mass": "GTVt", "GTV_Edema": "Edema", "GTV_Mass_CT": "GTVt_CT"}
ALIASES |= {"GTV_Mass_PET": "GTVt_PET", "GREEN": "Green", "ORANGE": "Orange", "PURPLE": "Purple"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Imported, Path]:
    output = tmp_path_factory.mktemp("real")
    return import_folder(ROOT / "dicom", output, NAMES, Settings(aliases=ALIASES)), output


def case(patient_id: str) -> str:
    return NAMES.case(patient_id, "")


def structure(output: Path, patient_id: str, name: str) -> Volume:
    return read_volume(output / case(patient_id) / "structures" / f"{name}.nii.gz")


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_every_set_is_a_case_or_is_refused_by_name(imported: tuple[Imported, Path]) -> None:
    result, _ = imported
    shapes = {
        entry["case"]: tuple(tuple(entry[name]["shape_zyx"]) if entry[name] else None for name in ("ct", "pt"))
        for entry in result.record["cases"]
    }
    assert shapes == {
        case("STS_001"): (None, (64, 128, 128)),
        case("STS_002"): ((48, 143, 161), (48, 27, 30)),
        case("C5NnmkW2D8md5V6uoN7OM9PAU"): ((4, 512, 512), None),
        case("99000"): ((3, 512, 512), None),
        case("1CT1"): ((1, 128, 128), None),
        case("1.3.6.1.4.1.9590.100.1.2.128321905623126124611521766277205091496"): ((8, 511, 511), None),
    }
    told = {one.reason: one for one in result.skipped}
    assert "18.5 degrees" in told["gantry_tilt"].message
    assert "uneven" in told["gantry_tilt"].message
    assert told["gantry_tilt"].case_id == case("QMNx85rKkkg")
    assert told.keys() == {"gantry_tilt", "no_dicom", "no_image", "not_used"}


def test_the_ibsi_sarcoma_equals_its_published_nifti(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    published = ROOT / "petct" / "sts_ibsi" / "STS_002"
    ct, true_ct = read_volume(output / case("STS_002") / "ct.nii.gz"), read_volume(published / "CT_image.nii.gz")
    np.testing.assert_array_equal(ct.array, true_ct.array)
    assert ct.grid.matches(true_ct.grid)
    pt, true_pt = read_volume(output / case("STS_002") / "pt.nii.gz"), read_volume(published / "PET_image.nii.gz")
    np.testing.assert_allclose(pt.array, true_pt.array, rtol=1e-4, atol=1e-6)
    assert pt.grid.matches(true_pt.grid)
    mask = structure(output, "STS_002", "GTVt_CT").array > 0
    assert dice(mask, read_volume(published / "CT_mask.nii.gz").array > 0) > 0.99


def test_the_visible_human_equals_its_reference(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    patient, folder = "C5NnmkW2D8md5V6uoN7OM9PAU", ROOT / "dicom" / "visible_human_rtstruct"
    truth = read_volume(folder / "Mask.nii.gz").array
    body, cord = (structure(output, patient, name).array > 0 for name in ("Body", "SpinalCord"))
    # the reference counts every voxel that a contour touches: 745 for a cord whose contours enclose 651 mm2 on slices
    # of 1 mm; ours counts centres, 654
    assert dice(body, truth > 0) > 0.99
    square = np.ones((1, 3, 3), bool)
    for ours, theirs in ((body, truth > 0), (cord, truth == 1)):
        assert not (theirs & ~ndimage.binary_dilation(ours, square)).any()
        assert not (ndimage.binary_erosion(ours, square) & ~theirs).any()
    assert abs(int(cord.sum()) - 651) < 10
    image = read_volume(output / case(patient) / "ct.nii.gz")
    np.testing.assert_array_equal(image.array, read_volume(folder / "Image.nii.gz").array)


def test_segmentations_equal_their_reference(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    folder = ROOT / "dicom" / "dcmqi_ct_seg" / "segmentations"
    for name, file, value in (
        ("Liver", "liver_seg", 1),
        ("Green", "partial_overlaps-1", 1),
        ("Orange", "partial_overlaps-2", 2),
    ):
        truth = read_volume(folder / f"{file}.nrrd").array == value
        np.testing.assert_array_equal(structure(output, "99000", name).array > 0, truth, err_msg=name)


def test_structures_on_a_pet_alone_lie_on_the_pet(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    pt = read_volume(output / case("STS_001") / "pt.nii.gz")
    for name in ("GTVt", "Edema"):
        mask = structure(output, "STS_001", name)
        assert mask.grid.matches(pt.grid)
    assert pt.array[structure(output, "STS_001", "GTVt").array > 0].mean() > 2 * pt.array[pt.array > 0.3].mean()
