import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RTStructureSetStorage

from hnseg import __version__
from hnseg.io.dicom.objects import PatientTags, RefusedDicomError
from hnseg.io.dicom.rtstruct_write import write_rtstruct
from hnseg.io.dicom.stack import stack
from hnseg.io.dicom.structure_look import COLOURS
from hnseg.types import Grid
from tests.io.dicom import making

DCIODVFY = shutil.which("dciodvfy", path=str(Path(sys.executable).parent)) or shutil.which("dciodvfy")
GRID = Grid((4, 12, 14), (3.0, 1.1, 0.9), (-10.5, 20.25, -300.0))

REQUIRED = {  # PS3.3 A.19.3: module: attributes of type 1, attributes of type 2
    "Patient C.7.1.1": ("", "PatientName PatientID PatientBirthDate PatientSex"),
    "General Study C.7.2.1": ("StudyInstanceUID", "StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber"),
    "RT Series C.8.8.1": ("Modality SeriesInstanceUID", "SeriesNumber OperatorsName"),
    "General Equipment C.7.5.1": ("", "Manufacturer"),
    "Frame of Reference C.7.4.1": ("FrameOfReferenceUID", "PositionReferenceIndicator"),
    "Structure Set C.8.8.5": ("StructureSetLabel", "StructureSetDate StructureSetTime StructureSetROISequence"),
    "ROI Contour C.8.8.6": ("ROIContourSequence", ""),
    "RT ROI Observations C.8.8.8": ("RTROIObservationsSequence", ""),
    "Approval C.8.8.16": ("ApprovalStatus", ""),
    "SOP Common C.12.1": ("SOPClassUID SOPInstanceUID", ""),
}
REQUIRED_OF_ITEMS = {
    "StructureSetROISequence": ("ROINumber ReferencedFrameOfReferenceUID", "ROIName ROIGenerationAlgorithm"),
    "ROIContourSequence": ("ReferencedROINumber", ""),
    "ContourSequence": ("ContourGeometricType NumberOfContourPoints ContourData", ""),
    "ContourImageSequence": ("ReferencedSOPClassUID ReferencedSOPInstanceUID", ""),
    "RTROIObservationsSequence": ("ObservationNumber ReferencedROINumber", "RTROIInterpretedType ROIInterpreter"),
    "ReferencedFrameOfReferenceSequence": ("FrameOfReferenceUID", ""),
    "RTReferencedStudySequence": ("ReferencedSOPClassUID ReferencedSOPInstanceUID RTReferencedSeriesSequence", ""),
    "RTReferencedSeriesSequence": ("SeriesInstanceUID ContourImageSequence", ""),
}


@pytest.fixture
def series(tmp_path):
    return stack(making.write_series(tmp_path / "ct", np.zeros(GRID.shape_zyx), GRID))


def block(*slices):
    mask = np.zeros(GRID.shape_zyx, bool)
    mask[slices] = True
    return mask


MASKS = {
    "Parotid_L": block(slice(1, 3), slice(2, 9), slice(3, 9)) & ~block(slice(None), 5, 5),
    "GTVp": block(2, slice(2, 4), slice(3, 5)),
    "Nothing": block(slice(0, 0)),
}


def written(series, masks=MASKS, **options):
    path = series.files[0].path.parent.parent / "structures.dcm"
    write_rtstruct(path, masks, series, **options)
    with warnings.catch_warnings(action="error"):
        return pydicom.dcmread(path)


def check_item(place, item, required):
    ones, twos = (names.split() for names in required)
    for keyword in (*ones, *twos):
        assert keyword in item, f"{place}: {keyword}"
    for keyword in ones:
        assert item[keyword].VM > 0 if item[keyword].VR != "SQ" else len(item[keyword].value), f"{place}: {keyword}"


def test_all_that_the_standard_requires_is_there_and_no_private_tag(series):
    dataset = written(series)
    for module, required in REQUIRED.items():
        check_item(module, dataset, required)
    seen = set()

    def check(item, element):
        assert not element.tag.is_private
        if element.VR == "SQ":
            seen.add(element.keyword)
            for inner in element.value:
                check_item(element.keyword, inner, REQUIRED_OF_ITEMS[element.keyword])

    dataset.walk(check)
    assert seen == set(REQUIRED_OF_ITEMS)


@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_nothing(series):
    path = Path(written(series, phantom=True).filename)
    report = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=True)
    assert report.stderr.split() == ["RTStructureSet"]


def test_it_belongs_to_the_patient_study_and_images_it_was_made_from(series):
    dataset = written(series)
    assert dataset.SOPClassUID == dataset.file_meta.MediaStorageSOPClassUID == RTStructureSetStorage
    assert (dataset.PatientID, dataset.PatientName) == (making.PATIENT.patient_id, making.PATIENT.name)
    assert (dataset.StudyInstanceUID, dataset.StudyDate) == (series.study_uid, "20190708")
    (frame,) = dataset.ReferencedFrameOfReferenceSequence
    (study,) = frame.RTReferencedStudySequence
    (images,) = study.RTReferencedSeriesSequence
    assert dataset.FrameOfReferenceUID == frame.FrameOfReferenceUID == series.frame_uid
    assert study.ReferencedSOPInstanceUID == series.study_uid
    assert images.SeriesInstanceUID == series.series_uid != dataset.SeriesInstanceUID
    assert [i.ReferencedSOPInstanceUID for i in images.ContourImageSequence] == [file.sop_uid for file in series.files]
    contours = dataset.ROIContourSequence[0].ContourSequence
    assert [c.ContourImageSequence[0].ReferencedSOPInstanceUID for c in contours] == [
        file.sop_uid for file in series.files[1:3]
    ]


def test_structures_have_numbers_names_colours_and_types(series):
    dataset = written(series)
    assert [(roi.ROINumber, roi.ROIName) for roi in dataset.StructureSetROISequence] == list(enumerate(MASKS, start=1))
    assert {roi.ROIGenerationAlgorithm for roi in dataset.StructureSetROISequence} == {"AUTOMATIC"}
    assert [drawing.ReferencedROINumber for drawing in dataset.ROIContourSequence] == [1, 2, 3]
    colours = [tuple(drawing.ROIDisplayColor) for drawing in dataset.ROIContourSequence]
    assert colours[:2] == [COLOURS["Parotid_L"], (255, 0, 0)]
    assert len(set(colours)) == 3
    types = [observation.RTROIInterpretedType for observation in dataset.RTROIObservationsSequence]
    assert types == ["ORGAN", "GTV", "ORGAN"]
    contour = dataset.ROIContourSequence[1].ContourSequence[0]
    assert contour.ContourGeometricType == "CLOSED_PLANAR"
    assert contour.NumberOfContourPoints * 3 == len(contour.ContourData)


def test_a_structure_without_a_voxel_is_there_without_contours(series):
    drawings = written(series).ROIContourSequence
    assert ["ContourSequence" in drawing for drawing in drawings] == [True, True, False]


def test_it_says_who_made_it_when_and_that_nobody_approved_it(series):
    before = datetime.now().replace(microsecond=0)
    dataset = written(series, label="neck")
    assert (dataset.Manufacturer, dataset.SoftwareVersions) == ("hnseg", __version__)
    assert (dataset.StructureSetLabel, dataset.SeriesDescription) == ("neck", "neck")
    assert dataset.ApprovalStatus == "UNAPPROVED"
    said = datetime.strptime(dataset.StructureSetDate + dataset.StructureSetTime, "%Y%m%d%H%M%S")
    assert before <= said <= datetime.now()
    assert "PHANTOM" not in dataset.StructureSetLabel + dataset.StructureSetDescription


def test_a_phantom_says_so_also_where_only_its_images_do(series):
    marked = replace(series, files=(*series.files[:-1], replace(series.files[-1], phantom=True)))
    for dataset in (written(series, phantom=True), written(marked)):
        assert dataset.StructureSetLabel == "PHANTOM hnseg"
        assert dataset.SeriesDescription.startswith("PHANTOM")
        assert dataset.StructureSetDescription.startswith("PHANTOM - not a patient")
        assert dataset.PatientName == making.PATIENT.name
    assert written(series, phantom=True, label="sixteen letters!").StructureSetLabel == "PHANTOM sixteen"


def test_the_file_starts_with_zeros_and_is_explicit_little_endian(series):
    dataset = written(series)
    content = Path(dataset.filename).read_bytes()
    assert content[:132] == bytes(128) + b"DICM"
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_a_contour_too_long_for_explicit_lengths_is_written_whole(tmp_path):
    shape = (1, 60, 120)
    series = stack(making.write_series(tmp_path / "ct", np.zeros(shape), Grid(shape, (3.0, 1.0, 1.0))))
    comb = np.zeros(shape, bool)
    comb[:, ::2], comb[:, :, 0] = True, True
    dataset = written(series, {"Comb": comb}, tolerance_mm=0.0)
    longest = max(len(c.ContourData) for c in dataset.ROIContourSequence[0].ContourSequence)
    assert longest * 4 > 0xFFFF
    assert longest == 3 * dataset.ROIContourSequence[0].ContourSequence[0].NumberOfContourPoints
    assert dataset.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian


def test_the_same_masks_give_the_same_object_and_others_another(series):
    first = written(series)
    again = written(series, {name: mask.copy() for name, mask in MASKS.items()})
    assert (first.SOPInstanceUID, first.SeriesInstanceUID) == (again.SOPInstanceUID, again.SeriesInstanceUID)
    uids = {first.SOPInstanceUID, first.SeriesInstanceUID}
    for other in (
        written(series, {**MASKS, "GTVp": MASKS["Parotid_L"]}),
        written(series, {"Parotid_R" if name == "Parotid_L" else name: mask for name, mask in MASKS.items()}),
        written(series, label="other"),
        written(series, phantom=True),
    ):
        assert not uids & {other.SOPInstanceUID, other.SeriesInstanceUID}
        uids |= {other.SOPInstanceUID, other.SeriesInstanceUID}


def test_coordinates_are_decimal_strings_to_a_micrometre(series):
    beside_zero = replace(series, grid=replace(series.grid, origin_mm=(-2.5 * 0.9 - 0.0001, 20.25, -300.0)))
    seen = set()
    for contour in written(beside_zero).ROIContourSequence[0].ContourSequence:
        texts = [value.original_string for value in contour.ContourData]
        assert max(map(len, texts)) <= 16
        assert all(text == f"{float(text):.3f}".rstrip("0").rstrip(".") for text in texts)
        seen |= set(texts)
    assert "0" in seen
    assert "-0" not in seen


def test_names_beyond_ascii_and_of_more_than_sixteen_letters_stay_whole(tmp_path):
    patient = PatientTags("1", "Müller^Jürgen", "", "")
    tags = {"SpecificCharacterSet": "ISO_IR 100"}
    series = stack(making.write_series(tmp_path / "ct", np.zeros(GRID.shape_zyx), GRID, patient=patient, tags=tags))
    assert written(series).SpecificCharacterSet == "ISO_IR 100"
    dataset = written(series, {"Łukasz's submandibular gland": MASKS["GTVp"]})
    assert dataset.SpecificCharacterSet == "ISO_IR 192"
    assert dataset.PatientName == "Müller^Jürgen"
    assert dataset.StructureSetROISequence[0].ROIName == "Łukasz's submandibular gland"
    assert dataset.RTROIObservationsSequence[0].ROIObservationLabel == "Łukasz's subman"


def test_tags_that_the_images_lack_are_empty_and_odd_values_are_copied_without_a_word(tmp_path, recwarn, monkeypatch):
    tags = {"PatientBirthDate": None, "StudyID": None, "AccessionNumber": None, "StudyDescription": "Neck"}
    headers = making.write_series(tmp_path / "ct", np.zeros(GRID.shape_zyx), GRID, tags=tags)
    content = headers[0].path.read_bytes()
    assert content.count(b"20190708") == 3
    headers[0].path.write_bytes(content.replace(b"20190708", b"2019-7-8"))
    recwarn.clear()
    with monkeypatch.context() as patched:
        patched.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)
        write_rtstruct(tmp_path / "structures.dcm", MASKS, stack(headers))
    assert not recwarn.list
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(tmp_path / "structures.dcm")
        assert dataset.StudyDate == "2019-7-8"
    assert (dataset.PatientBirthDate, dataset.StudyID, dataset.AccessionNumber) == ("", "", "")
    assert dataset.StudyDescription == "Neck"


def test_a_name_in_another_character_set_than_the_file_says_makes_no_warning(tmp_path, recwarn):
    tags = {"SpecificCharacterSet": "ISO_IR 192"}
    patient = PatientTags("1", "M\u00fcller", "", "")
    headers = making.write_series(tmp_path / "ct", np.zeros(GRID.shape_zyx), GRID, patient=patient, tags=tags)
    content = headers[0].path.read_bytes()
    headers[0].path.write_bytes(content.replace("M\u00fcller ".encode(), "M\u00fcller  ".encode("latin-1")))
    recwarn.clear()
    write_rtstruct(tmp_path / "structures.dcm", MASKS, stack(headers))
    assert not recwarn.list


def test_images_of_another_patient_at_the_same_place_are_refused(series):
    other = pydicom.dcmread(series.files[0].path)
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    other.save_as(series.files[0].path)
    with pytest.raises(RefusedDicomError) as refusal:
        written(series)
    assert refusal.value.reason == "changed"


def test_images_that_are_gone_are_refused_without_their_path(series):
    series.files[0].path.unlink()
    with pytest.raises(RefusedDicomError) as refusal:
        written(series)
    assert refusal.value.reason == "unreadable"
    assert series.files[0].path.name not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_images_without_a_frame_of_reference_are_refused(series):
    files = tuple(replace(file, frame_uid="") for file in series.files)
    with pytest.raises(RefusedDicomError, match=r"\(0020,0052\)") as refusal:
        written(replace(series, files=files))
    assert refusal.value.reason == "no_frame"


@pytest.mark.parametrize("name", ["", " ", "a\\b", "a\nb", "x" * 65])
def test_names_that_dicom_cannot_hold_are_refused(name, series):
    with pytest.raises(ValueError, match="structure name"):
        written(series, {name: MASKS["GTVp"]})


def test_a_label_of_seventeen_letters_and_no_structure_are_refused(series):
    with pytest.raises(ValueError, match="1 to 16"):
        written(series, label="x" * 17)
    with pytest.raises(ValueError, match="no structure"):
        written(series, {})


def test_a_failure_leaves_the_old_file(series):
    dataset = written(series)
    content = Path(dataset.filename).read_bytes()
    with pytest.raises(AssertionError):
        written(series, {"GTVp": np.ones((2, 2, 2), bool)})
    assert Path(dataset.filename).read_bytes() == content
