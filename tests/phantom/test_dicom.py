"""The cohort as a whole. One file, so that the cohort is written once however tests are spread over processes."""

import csv
import json
import shutil
import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from hnseg.geometry.contour_mask import contour_mask
from hnseg.io.phantom_marker import MARKER
from hnseg.io.volume import read_volume
from hnseg.phantom import dicom
from hnseg.phantom.dicom import write_dicom
from hnseg.phantom.dicom_cast import role
from hnseg.phantom.dicom_scene import make_scene
from hnseg.phantom.dicom_vendors import VENDORS

COARSE = 6.0
POSITIONS = {1: "HFS", 3: "", 7: "HFP"}  # Philips loses it: the orientation alone says feet first
HELPERS = {"BODY", "Brainstem_PRV03", "z_ring", "ISO"}


@pytest.fixture(scope="module")
def dicom_cohort(tmp_path_factory):
    """Seven coarse patients as DICOM files: everything that is special."""
    return write_dicom(tmp_path_factory.mktemp("dicom") / "raw", 7, 3, coarse=COARSE)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def objects(root, case, kind):
    """Data sets of one kind of a patient, in the order in which they were written."""
    listed = rows(root / "truth" / f"case-{case:03d}" / "files.csv")
    return [pydicom.dcmread(root / row["file"]) for row in listed if row["kind"] == kind]


def elements(dataset):
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)
        else:
            yield element


def test_the_table_says_who_has_what(dicom_cohort):
    table = rows(dicom_cohort / "truth.csv")
    assert [(row["case"], row["vendor"], row["outlines"], row["special"]) for row in table] == [
        ("case-001", "siemens", "rtstruct", ""),
        ("case-002", "ge", "rtstruct", "injected_before_midnight"),
        ("case-003", "philips", "seg", "feet_first"),
        ("case-004", "siemens", "rtstruct", "registration"),
        ("case-005", "ge", "seg", "admin;jpeg_lossless"),
        ("case-006", "philips", "rtstruct", "tilt"),
        ("case-007", "siemens", "seg", "prone"),
    ]
    for number, row in enumerate(table, start=1):
        ids = {str(ct.PatientID) for kind in ("ct", "pet") for ct in objects(dicom_cohort, number, kind)}
        assert ids == {row["PatientID"]}
    assert len({row["PatientID"] for row in table}) == 7


def test_every_file_is_listed_and_each_patient_has_its_kinds(dicom_cohort):
    listed = [row for case in sorted((dicom_cohort / "truth").iterdir()) for row in rows(case / "files.csv")]
    lists = [f"truth/case-{number:03d}/files.csv" for number in range(1, 8)]
    others = ["DICOM/DICOMDIR", "DICOM/README.txt", MARKER, "truth.csv"]
    assert sorted([*(row["file"] for row in listed), *lists, *others]) == files(dicom_cohort)
    kinds = Counter(row["kind"] for row in listed)
    assert (kinds["rtstruct"], kinds["seg"], kinds["registration"]) == (4, 3, 1)
    assert (kinds["localiser"], kinds["capture"], kinds["copy"]) == (7, 7, 7)


def test_every_object_says_phantom_and_holds_no_date_of_today(dicom_cohort):
    for path in sorted((dicom_cohort / "DICOM").rglob("IM*")):
        data = pydicom.dcmread(path, stop_before_pixels=True)
        assert (data.QualityControlImage, str(data.PatientName)) == ("YES", "Phantom^hnseg")
        dates = {str(e.value)[:8] for e in elements(data) if e.VR in ("DA", "DT") and e.value}
        assert dates <= {"19500301", *(f"202003{day:02d}" for day in range(1, 8)), "20200229"}, data.Modality
        uids = [str(e.value) for e in elements(data) if e.VR == "UI" and e.VM == 1]
        assert all(uid.startswith(("1.2.840.10008.", pydicom.uid.PYDICOM_ROOT_UID)) for uid in uids)
        assert all(len(str(v)) <= 16 for e in elements(data) if e.VR == "DS" for v in np.atleast_1d(e.value))


def test_names_tell_neither_order_nor_kind_nor_patient(dicom_cohort):
    for number in (1, 2):
        listed = rows(dicom_cohort / "truth" / f"case-{number:03d}" / "files.csv")
        paths = [dicom_cohort / row["file"] for row in listed if row["kind"] == "ct"]
        by_name = sorted(paths, key=lambda path: path.name)
        assert by_name != paths
        assert not any(path.suffix for path in paths)
        assert len({path.parent for path in paths}) == (3 if number == 1 else 1)
    heap = {pydicom.dcmread(p, stop_before_pixels=True).PatientID for p in (dicom_cohort / "DICOM/HEAP").iterdir()}
    assert len(heap) == 3


def test_clutter_is_what_it_should_be(dicom_cohort):
    assert b"DICM" not in (dicom_cohort / "DICOM/README.txt").read_bytes()
    assert pydicom.dcmread(dicom_cohort / "DICOM/DICOMDIR").SOPClassUID == "1.2.840.10008.1.3.10"
    for number in (1, 2):
        ct = {data.SOPInstanceUID: data for data in objects(dicom_cohort, number, "ct")}
        (copy,), (localiser,), (capture,) = (objects(dicom_cohort, number, k) for k in ("copy", "localiser", "capture"))
        assert copy == ct[copy.SOPInstanceUID]
        assert "LOCALIZER" in localiser.ImageType
        assert (localiser.SeriesInstanceUID == copy.SeriesInstanceUID) == (number == 2)  # of GE in the series itself
        assert capture.SOPClassUID.name == "Secondary Capture Image Storage"
        assert capture.pixel_array.shape[-1] == 3


@pytest.mark.parametrize("case", POSITIONS)
def test_another_reader_finds_the_true_ct_at_the_same_positions(dicom_cohort, case):
    """SimpleITK, that is GDCM and ITK, read both the DICOM files and the NIfTI truth."""
    listed = rows(dicom_cohort / "truth" / f"case-{case:03d}" / "files.csv")
    names = [str(dicom_cohort / row["file"]) for row in listed if row["kind"] == "ct"]
    assert {data.PatientPosition for data in objects(dicom_cohort, case, "ct")} == {POSITIONS[case]}
    read = sitk.ReadImage(names, sitk.sitkInt16)
    truth = sitk.ReadImage(str(dicom_cohort / "truth" / f"case-{case:03d}" / "ct.nii.gz"))
    same = sitk.Resample(read, truth, sitk.Transform(), sitk.sitkNearestNeighbor, 9999)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(same), sitk.GetArrayFromImage(truth))


def test_compressed_and_padded_pixels_are_the_true_ct(dicom_cohort):
    slices = objects(dicom_cohort, 5, "ct")
    assert {data.file_meta.TransferSyntaxUID for data in slices} == {"1.2.840.10008.1.2.4.70"}
    hu = np.stack([data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept) for data in slices])
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(dicom_cohort / "truth/case-005/ct.nii.gz")))
    np.testing.assert_array_equal(hu, truth)
    padding = {int(data.PixelPaddingValue) for data in slices}
    assert padding == {-2000}
    assert truth.min() == -3024


def test_the_true_ct_of_a_tilted_gantry_is_interpolated_at_its_places(dicom_cohort):
    slices = objects(dicom_cohort, 6, "ct")
    truth = sitk.ReadImage(str(dicom_cohort / "truth/case-006/ct.nii.gz"))
    voxels = sitk.GetArrayFromImage(truth)
    down = np.array(slices[0].ImageOrientationPatient[3:], float)
    normal = np.cross(slices[0].ImageOrientationPatient[:3], down)
    positions = np.array([data.ImagePositionPatient for data in slices], float)
    steps = np.diff(positions, axis=0)
    np.testing.assert_allclose(steps, steps[:1].repeat(len(steps), axis=0), atol=1e-3)
    lean = np.degrees(np.arccos(steps[0] @ normal / np.linalg.norm(steps[0])))
    assert lean == pytest.approx(float(slices[0].GantryDetectorTilt), abs=0.01)
    for index in (0, len(slices) // 2, len(slices) - 1):
        stored = slices[index].pixel_array.astype(float) - 1024
        places = [truth.TransformIndexToPhysicalPoint((20, row, index)) for row in range(voxels.shape[1])]
        at = (np.array(places) - positions[index]) @ down / float(slices[0].PixelSpacing[0])
        np.testing.assert_allclose((np.array(places) - positions[index]) @ normal, 0, atol=0.01)
        seen = (at > 0) & (at < len(stored) - 1)
        expected = np.interp(at, np.arange(len(stored)), stored[:, 20])
        np.testing.assert_allclose(voxels[index, seen, 20], expected[seen], atol=0.5)
        assert (voxels[index, (at < -0.5) | (at > len(stored) - 0.5), 20] == -1024).all()
        assert seen.sum() >= len(stored) - 2  # nothing is cut off


def test_what_was_lost_comes_back_with_the_same_bytes_and_the_rest_stays(tmp_path, dicom_cohort):
    """Of the second patient all is lost, of the third (with the SEG) some of each, of the fourth a slice."""
    root = tmp_path / "raw"
    shutil.copytree(dicom_cohort, root)
    second, third, fourth = (rows(root / f"truth/case-{number:03d}/files.csv") for number in (2, 3, 4))
    lost = {root / row["file"] for row in second}
    lost |= {root / next(row["file"] for row in third if row["kind"] == kind) for kind in ("ct", "pet", "seg", "truth")}
    lost |= {root / fourth[0]["file"], root / "DICOM/README.txt", root / "truth.csv", root / "truth/case-002/files.csv"}
    for path in lost:
        path.unlink()
    again = {*lost, *(root / f"truth/case-{number:03d}/files.csv" for number in (3, 4))}
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file() and path not in again}
    told = []
    time.sleep(1.1)  # a header could hold the time
    write_dicom(root, 7, 3, coarse=COARSE, progress=lambda *counts: told.append(counts))
    assert told == [(5, 7), (6, 7), (7, 7)]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    assert files(root) == files(dicom_cohort)
    for path in again:
        assert path.read_bytes() == (dicom_cohort / path.relative_to(root)).read_bytes()


def test_a_finished_cohort_is_left_alone(dicom_cohort, monkeypatch):
    monkeypatch.setattr(dicom, "ct_files", lambda *_: pytest.fail("wrote again"))
    monkeypatch.setattr(dicom, "write_table", lambda *_: pytest.fail("wrote again"))
    write_dicom(dicom_cohort, 7, 3, coarse=COARSE)


def test_the_marker_says_what_this_is(dicom_cohort):
    marker = json.loads((dicom_cohort / MARKER).read_text())
    assert (marker["layout"], marker["seed"], marker["patients"], marker["coarse"]) == ("dicom", 3, 7, COARSE)
    with pytest.raises(ValueError, match=r"another phantom \(different: seed\)"):
        write_dicom(dicom_cohort, 7, 4, coarse=COARSE)


def pet(root, case):
    """PET files along the normal, and the true SUV."""
    slices = objects(root, case, "pet")
    normal = np.cross(slices[0].ImageOrientationPatient[:3], slices[0].ImageOrientationPatient[3:])
    slices.sort(key=lambda data: float(np.dot(data.ImagePositionPatient, normal)))
    truth = sitk.ReadImage(str(root / "truth" / f"case-{case:03d}" / "pt.nii.gz"))
    return slices, truth


def waited_s(data):
    """From the injection to the start of the scan; a time without a date is the last one before the scan."""
    start = datetime.strptime(data.AcquisitionDate + data.AcquisitionTime[:6], "%Y%m%d%H%M%S")
    isotope = data.RadiopharmaceuticalInformationSequence[0]
    if "RadiopharmaceuticalStartDateTime" in isotope:
        injected = datetime.strptime(isotope.RadiopharmaceuticalStartDateTime[:14], "%Y%m%d%H%M%S")
    else:
        of_day = isotope.RadiopharmaceuticalStartTime[:6]
        injected = datetime.strptime(data.AcquisitionDate + of_day, "%Y%m%d%H%M%S")
        injected -= timedelta(days=injected > start)
    return (start - injected).total_seconds()


def left_bq(slices):
    """Injected activity at the moment that voxels are corrected to."""
    first = min(slices, key=lambda data: data.AcquisitionDate + data.AcquisitionTime)
    isotope = first.RadiopharmaceuticalInformationSequence[0]
    waited = {"START": waited_s(first), "ADMIN": 0.0}[first.DecayCorrection]
    return float(isotope.RadionuclideTotalDose) * 0.5 ** (waited / float(isotope.RadionuclideHalfLife))


@pytest.mark.parametrize("case", [1, 2, 3, 5])
def test_suv_by_hand_is_the_painted_one(dicom_cohort, case):
    slices, truth = pet(dicom_cohort, case)
    grams_per_bq = float(slices[0].PatientWeight) * 1000 / left_bq(slices)
    for data, expected in zip(slices, sitk.GetArrayFromImage(truth), strict=True):
        counts = data.pixel_array.astype(float) * float(data.RescaleSlope)
        factor = float(data[0x70531000].value) if data.Units == "CNTS" else grams_per_bq
        step = float(data.RescaleSlope) * factor
        np.testing.assert_allclose(counts * factor, expected, rtol=1e-6, atol=0.501 * step)
        if data.Units == "CNTS":  # the other way: activity of a count
            activity = counts * float(data[0x70531009].value)
            np.testing.assert_allclose(activity * grams_per_bq, expected, rtol=1e-6, atol=0.501 * step)


@pytest.mark.parametrize(("case", "units", "signed"), [(1, "BQML", 0), (2, "BQML", 1), (3, "CNTS", 1)])
def test_each_slice_has_a_slope_of_its_own_maximum(dicom_cohort, case, units, signed):
    slices, _ = pet(dicom_cohort, case)
    slopes = [float(data.RescaleSlope) for data in slices]
    assert {data.Units for data in slices} == {units}
    assert {data.PixelRepresentation for data in slices} == {signed}
    assert len(set(slopes)) > len(slices) / 3
    full = [data.pixel_array.max() == 32767 for data in slices]
    assert all(is_full or slope == 1 for is_full, slope in zip(full, slopes, strict=True))
    if units == "CNTS":
        assert min(slopes) == 1
        assert max(slopes) == pytest.approx(4)
        assert max(data.pixel_array.max() * float(data.RescaleSlope) for data in slices) > 2 * 32767
        assert slices[0][0x70530010].value == "Philips PET Private Group"


def test_times_are_those_of_the_vendor(dicom_cohort):
    (siemens, *_), (ge, *_), (philips, *_) = (pet(dicom_cohort, case)[0] for case in (1, 2, 3))
    isotopes = [data.RadiopharmaceuticalInformationSequence[0] for data in (siemens, ge, philips)]
    assert ["RadiopharmaceuticalStartDateTime" in isotope for isotope in isotopes] == [False, True, False]
    assert isotopes[1].RadiopharmaceuticalStartDateTime[:8] < ge.SeriesDate  # before midnight
    assert isotopes[1].RadiopharmaceuticalStartTime > ge.SeriesTime
    assert float(philips.SeriesTime) == 0
    assert siemens.SeriesTime == siemens.AcquisitionTime
    assert pet(dicom_cohort, 5)[0][0].DecayCorrection == "ADMIN"
    beds = {(data.AcquisitionTime, float(data.FrameReferenceTime)) for data in pet(dicom_cohort, 1)[0]}
    assert len(beds) > 1
    offsets = sorted((float(at), frame) for at, frame in beds)
    assert all(later[1] - earlier[1] == pytest.approx(150_000) for earlier, later in pairwise(offsets))


def test_the_registration_takes_the_pet_to_its_true_place(dicom_cohort):
    slices, truth = pet(dicom_cohort, 4)
    (registration,), ct = objects(dicom_cohort, 4, "registration"), objects(dicom_cohort, 4, "ct")[0]
    items = {item.FrameOfReferenceUID: item for item in registration.RegistrationSequence}
    assert set(items) == {slices[0].FrameOfReferenceUID, ct.FrameOfReferenceUID}
    assert registration.FrameOfReferenceUID == ct.FrameOfReferenceUID != slices[0].FrameOfReferenceUID
    rigid = items[slices[0].FrameOfReferenceUID].MatrixRegistrationSequence[0].MatrixSequence[0]
    matrix = np.array(rigid.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-8)
    assert np.linalg.norm(matrix[:3, 3]) > 10
    for index in (0, len(slices) - 1):
        moved = matrix @ [*map(float, slices[index].ImagePositionPatient), 1]
        np.testing.assert_allclose(moved[:3], truth.TransformIndexToPhysicalPoint((0, 0, index)), atol=0.01)
        stored = slices[index].pixel_array
        assert np.corrcoef(stored.ravel(), sitk.GetArrayFromImage(truth)[index].ravel())[0, 1] > 0.999


def contours(data):
    """ROI Name to its (n, 3) contours, points left out."""
    names = {roi.ROINumber: roi.ROIName for roi in data.StructureSetROISequence}
    return {
        names[roi.ReferencedROINumber]: [
            np.array(item.ContourData, float).reshape(-1, 3)
            for item in roi.ContourSequence
            if item.ContourGeometricType == "CLOSED_PLANAR"
        ]
        for roi in data.ROIContourSequence
    }


@pytest.mark.parametrize("case", [1, 2, 4, 6])
def test_contours_give_the_true_masks_back(dicom_cohort, case):
    truth = dicom_cohort / "truth" / f"case-{case:03d}"
    spelt = VENDORS[role(case - 1).vendor].spellings
    drawn = contours(objects(dicom_cohort, case, "rtstruct")[0])
    scene = make_scene(3, case - 1, role(case - 1), "", 6.0)
    masks = {path.name.removesuffix(".nii.gz"): read_volume(path) for path in (truth / "structures").iterdir()}
    assert {spelt[name] for name in masks} | HELPERS == set(drawn)
    assert {"GTVt", "BrainStem", "Parotid_L", "Parotid_R", "Mandible"} <= set(masks)
    for name, mask in masks.items():
        found, _ = contour_mask(drawn[spelt[name]], mask.grid)
        assert 2 * (found & (mask.array > 0)).sum() / (found.sum() + mask.array.sum()) > 0.98, name
    for name, helper in scene.helpers.items():
        found, _ = contour_mask(drawn[name], scene.ct_grid)
        assert 2 * (found & helper).sum() / (found.sum() + helper.sum()) > 0.98, name


@pytest.mark.parametrize(
    ("case", "left", "right"),
    [(1, "Parotis li.", "Parotis re."), (2, "Lt Submandibular", "Rt Submandibular"), (6, "PAROTID_L", "PAROTID_R")],
)
def test_left_is_left_under_every_spelling(dicom_cohort, case, left, right):
    drawn = contours(objects(dicom_cohort, case, "rtstruct")[0])
    left_x, right_x = (np.concatenate(drawn[name])[:, 0].mean() for name in (left, right))
    assert left_x > right_x + 30  # LPS: x grows to the left


def test_holes_are_channels_or_contours_of_their_own(dicom_cohort):
    """GE's ring has an inner contour; Siemens' goes in and out through a channel."""
    for case, keyhole in ((1, True), (2, False)):
        by_slice = {}
        for contour in contours(objects(dicom_cohort, case, "rtstruct")[0])["z_ring"]:
            by_slice.setdefault(contour[0, 2], []).append(contour)
        twice = [len(np.unique(c, axis=0)) < len(c) for found in by_slice.values() for c in found]
        assert any(twice) == keyhole
        assert (max(len(found) for found in by_slice.values()) > 1) != keyhole


def test_one_contour_lies_a_little_beside_its_slice(dicom_cohort):
    data = objects(dicom_cohort, 1, "rtstruct")[0]
    scene = make_scene(3, 0, role(0), "", 6.0)
    heights = np.concatenate([[c[0] for c in found] for found in contours(data).values() if found])
    index = scene.ct_grid.to_index_zyx(heights)[:, 0]
    assert (np.abs(index - np.rint(index)) > 0.05).sum() == 1


def test_references_lead_to_the_ct(dicom_cohort):
    data = objects(dicom_cohort, 1, "rtstruct")[0]
    ct = objects(dicom_cohort, 1, "ct")
    frame = data.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    uids = {item.ReferencedSOPInstanceUID for item in series.ContourImageSequence}
    assert uids == {image.SOPInstanceUID for image in ct}
    assert series.SeriesInstanceUID == ct[0].SeriesInstanceUID
    assert frame.FrameOfReferenceUID == ct[0].FrameOfReferenceUID
    numbers = [roi.ROINumber for roi in data.StructureSetROISequence]
    assert numbers == [roi.ReferencedROINumber for roi in data.ROIContourSequence] == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("case", [3, 5, 7])
def test_frames_are_the_true_masks(dicom_cohort, case):
    """Read frame by frame with pydicom alone."""
    truth = dicom_cohort / "truth" / f"case-{case:03d}"
    (data,) = objects(dicom_cohort, case, "seg")
    masks = {path.name.removesuffix(".nii.gz"): read_volume(path) for path in (truth / "structures").iterdir()}
    labels = {segment.SegmentNumber: segment.SegmentLabel for segment in data.SegmentSequence}
    assert set(labels.values()) == set(masks)
    voxels = dict.fromkeys(masks, 0)
    for item, frame in zip(data.PerFrameFunctionalGroupsSequence, data.pixel_array, strict=True):
        name = labels[item.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
        position = np.array(item.PlanePositionSequence[0].ImagePositionPatient, float)
        index = masks[name].grid.to_index_zyx(position)
        np.testing.assert_allclose(index[1:], 0, atol=0.01)
        expected = masks[name].array[round(index[0])]
        np.testing.assert_array_equal(frame, expected)
        voxels[name] += int(frame.sum())
    assert voxels == {name: int(mask.array.sum()) for name, mask in masks.items()}
