import logging
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from pydicom.datadict import dictionary_VR

from hnseg.io.dicom.objects import Limits, RefusedDicomError, Series
from hnseg.io.dicom.seg import read_seg, seg_task, write_seg
from hnseg.io.dicom.seg_read import unpacked
from hnseg.io.dicom.structure_look import structure_colours
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, header_of
from tests.io.dicom.seg_making import AXIAL, in_order, make_series, marked_lps_mm

SHAPE, SPACING = (7, 9, 6), (2.5, 0.9, 1.3)  # 54 pixels a frame: frames do not begin at whole bytes
ANGLE = 0.4
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE), 0], [np.sin(ANGLE), np.cos(ANGLE), 0], [0, 0, 1]])
TIP = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])


def columns(z, y, x):
    return np.array([z, y, x], float).T


ORIENTATIONS = {
    "axial": AXIAL,
    "feet first": columns((0, 0, -1), (0, 1, 0), (-1, 0, 0)),
    "prone": columns((0, 0, 1), (0, -1, 0), (-1, 0, 0)),
    "descending": columns((0, 0, -1), (0, -1, 0), (1, 0, 0)),
    "coronal": columns((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    "sagittal": columns((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "oblique": TURN @ TIP @ AXIAL,
}


def structures(shape=SHAPE):
    """One that covers some slices, one that overlaps it, a single voxel in a corner, and an empty one."""
    rng = np.random.default_rng(7)
    parotid, tumour, lens = (np.zeros(shape, bool) for _ in range(3))
    parotid[1:4] = rng.random((3, *shape[1:])) < 0.4
    tumour[3:6, 2:7, 1:5] = rng.random((3, 5, 4)) < 0.7
    tumour[3, 4, 3] = parotid[3, 4, 3] = True
    lens[-1, 0, -1] = True
    return {"Parotid_L": parotid, "GTVn": tumour, "Lens_R": lens, "Chiasm": np.zeros(shape, bool)}


def in_this_process(path: Path, grid: Grid, folder: Path, limits=None):
    """`read_seg` without its child process."""
    folder.mkdir(exist_ok=True)
    arguments = {"path": str(path), "grid": grid.to_dict(), "limits": asdict(limits or Limits()), "folder": str(folder)}
    return unpacked(seg_task(arguments), folder, grid)


def check_round_trip(path, masks, grid, tmp_path):
    found = in_this_process(path, grid, tmp_path / "arrays")
    assert list(found) == list(masks)
    points = marked_lps_mm(path)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name][0], mask, err_msg=name)
        assert found[name][1] == (() if mask.any() else ("empty: no voxel is marked",))
        expected = grid.to_lps_mm(np.argwhere(mask)).reshape(-1, 3)
        np.testing.assert_allclose(points[name], in_order(expected), atol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_masks_come_back_in_place_from_every_orientation(name, tmp_path):
    grid = Grid(SHAPE, SPACING, (-31.7, 12.25, 407.3), ORIENTATIONS[name])
    write_seg(tmp_path / "seg", structures(), make_series(tmp_path / "ct", grid), label="out")
    check_round_trip(tmp_path / "seg", structures(), grid, tmp_path)


def test_masks_come_back_through_the_child_process(tmp_path):
    grid = Grid(SHAPE, SPACING, (-31.7, 12.25, 407.3))
    write_seg(tmp_path / "seg", structures(), make_series(tmp_path / "ct", grid))
    header = header_of(pydicom.dcmread(tmp_path / "seg"), tmp_path / "seg")
    for name, (mask, _) in read_seg(header, grid).items():
        np.testing.assert_array_equal(mask, structures()[name], err_msg=name)


def tilted_series(tmp_path: Path, grid: Grid) -> Series:
    """Each slice 0.6 mm further down its rows than a gantry at right angles would have it."""
    down = [0.6 * i for i in range(grid.shape_zyx[0])]
    positions = [grid.to_lps_mm(np.array([i, 0, 0])) + d * grid.direction[:, 1] for i, d in enumerate(down)]
    tags = [{"ImagePositionPatient": [round(float(v), 6) for v in position]} for position in positions]
    series = make_series(tmp_path / "ct", grid, file_tags=tags)
    shift = np.array([[d / grid.spacing_mm[1], 0.0] for d in down])
    return replace(series, shift_px=shift, tilt_deg=13.5)


def test_masks_of_a_tilted_series_lie_on_its_straightened_grid(tmp_path):
    grid = Grid(SHAPE, SPACING, (3.0, 4.0, 5.0))
    write_seg(tmp_path / "seg", structures(), tilted_series(tmp_path, grid))
    check_round_trip(tmp_path / "seg", structures(), grid, tmp_path)
    frame = pydicom.dcmread(tmp_path / "seg").PerFrameFunctionalGroupsSequence[1]
    source = frame.DerivationImageSequence[0].SourceImageSequence[0]
    assert source.SpatialLocationsPreserved == "NO"  # its pixels are not the image's


def test_a_tilted_grid_may_be_larger_than_the_images(tmp_path):
    grid = Grid(SHAPE, SPACING, (3.0, 4.0, 5.0))
    large = grid.crop((0, -3, 0), (SHAPE[0], SHAPE[1] + 6, SHAPE[2]))
    series = replace(tilted_series(tmp_path, grid), grid=large)
    write_seg(tmp_path / "seg", structures(large.shape_zyx), series)
    check_round_trip(tmp_path / "seg", structures(large.shape_zyx), large, tmp_path)


def test_structures_apart_are_written_as_the_same_file_as_any_others(tmp_path):
    grid = Grid(SHAPE, SPACING)
    masks = {name: mask for name, mask in structures().items() if name != "GTVn"}
    write_seg(tmp_path / "seg", masks, make_series(tmp_path / "ct", grid))
    check_round_trip(tmp_path / "seg", masks, grid, tmp_path)
    assert pydicom.dcmread(tmp_path / "seg").SegmentsOverlap == "NO"


def test_only_empty_structures_make_one_empty_frame_each(tmp_path):
    grid = Grid(SHAPE, SPACING)
    masks = {"GTVp": np.zeros(SHAPE, bool), "GTVn": np.zeros(SHAPE, bool)}
    write_seg(tmp_path / "seg", masks, make_series(tmp_path / "ct", grid))
    check_round_trip(tmp_path / "seg", masks, grid, tmp_path)
    assert pydicom.dcmread(tmp_path / "seg").NumberOfFrames == 2


def test_references_and_identity_are_those_of_the_study(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING))
    write_seg(tmp_path / "seg", structures(), series, label="my run 3, second attempt")
    seg, image = pydicom.dcmread(tmp_path / "seg"), pydicom.dcmread(series.files[0].path)
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "PatientBirthDate"):
        assert seg[keyword].value == image[keyword].value, keyword
    assert seg.SeriesInstanceUID != image.SeriesInstanceUID
    referenced = seg.ReferencedSeriesSequence[0]
    assert referenced.SeriesInstanceUID == image.SeriesInstanceUID
    uids = [item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence]
    assert sorted(uids) == sorted(file.sop_uid for file in series.files)
    assert (seg.ContentLabel, seg.SeriesDescription) == ("MY_RUN_3__SECOND", "my run 3, second attempt")
    assert seg.Modality == "SEG"
    assert "QualityControlImage" not in seg
    assert (tmp_path / "seg").read_bytes()[:132] == b"\0" * 128 + b"DICM"


def test_each_frame_names_the_image_that_it_covers(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING))
    write_seg(tmp_path / "seg", {"Lens_R": structures()["Lens_R"]}, series)
    frame = pydicom.dcmread(tmp_path / "seg").PerFrameFunctionalGroupsSequence[0]
    source = frame.DerivationImageSequence[0].SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == series.files[-1].sop_uid
    assert source.SpatialLocationsPreserved == "YES"


def test_frames_lie_where_the_images_say_though_the_grid_is_even(tmp_path):
    tags = [{"ImagePositionPatient": [0, 0, 2.5 * i + 0.02 * (i == 3)]} for i in range(SHAPE[0])]
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING), file_tags=tags)
    mask = np.zeros(SHAPE, bool)
    mask[3, 2, 2] = True
    write_seg(tmp_path / "seg", {"GTVp": mask}, series)
    seg = pydicom.dcmread(tmp_path / "seg")
    frame = seg.PerFrameFunctionalGroupsSequence[0]
    assert list(frame.PlanePositionSequence[0].ImagePositionPatient) == [0, 0, 7.52]
    assert len(seg.PixelData) == 8  # 54 pixels are 7 bytes, and one to be even
    assert seg.PixelData[-1] == 0
    ((found, _),) = in_this_process(tmp_path / "seg", Grid(SHAPE, SPACING), tmp_path / "arrays").values()
    np.testing.assert_array_equal(found, mask)


def test_slices_say_how_far_apart_they_are_though_those_between_are_left_out(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING), tags={"SpacingBetweenSlices": 99})
    mask = np.zeros(SHAPE, bool)
    mask[[1, 5], 2, 2] = True
    write_seg(tmp_path / "seg", {"GTVp": mask}, series)
    measures = pydicom.dcmread(tmp_path / "seg").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (measures.SpacingBetweenSlices, measures.SliceThickness) == (2.5, 2.5)


def test_segments_are_coded_coloured_and_said_to_be_automatic(tmp_path):
    write_seg(tmp_path / "seg", structures(), make_series(tmp_path / "ct", Grid(SHAPE, SPACING)))
    items = pydicom.dcmread(tmp_path / "seg").SegmentSequence
    kinds = [item.SegmentedPropertyTypeCodeSequence[0] for item in items]
    assert [kind.CodeValue for kind in kinds] == ["45289007", "14799000", "78076003", "244453006"]
    assert kinds[0].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert "SegmentedPropertyTypeModifierCodeSequence" not in kinds[3]
    assert items[1].AnatomicRegionSequence[0].CodeMeaning == "Lymph Node"
    for item in items:
        assert (item.SegmentAlgorithmType, item.SegmentAlgorithmName) == ("AUTOMATIC", "hnseg")
        assert item.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion
        expected = structure_colours([item.SegmentLabel])[item.SegmentLabel]
        assert CIELabColor.from_dicom_value(item.RecommendedDisplayCIELabValue).to_rgb() == pytest.approx(
            expected, abs=2
        )


def test_a_phantom_says_so(tmp_path):
    grid = Grid(SHAPE, SPACING)
    write_seg(tmp_path / "asked", structures(), make_series(tmp_path / "ct", grid), phantom=True)
    marked = make_series(tmp_path / "phantom", grid, tags={"QualityControlImage": "YES"})
    write_seg(tmp_path / "inherited", structures(), marked)
    for name in ("asked", "inherited"):
        seg = pydicom.dcmread(tmp_path / name)
        assert seg.QualityControlImage == "YES"
        assert (seg.SeriesDescription, seg.ContentLabel) == ("PHANTOM hnseg", "PHANTOM_HNSEG")
        assert seg.ContentDescription.startswith("PHANTOM")


def test_uids_follow_from_the_content(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING))
    other = structures()
    other["Chiasm"][0, 0, 0] = True
    for name, masks in (("first", structures()), ("again", structures()), ("other", other)):
        write_seg(tmp_path / name, masks, series)
    uids = {name: uids_of(pydicom.dcmread(tmp_path / name)) for name in ("first", "again", "other")}
    assert uids["first"] == uids["again"]
    assert len(uids["other"] & uids["first"]) == len(uids["first"]) - 3  # instance, series, dimensions


def uids_of(dataset):
    return {str(e.value) for e in dataset.iterall() if e.VR == "UI" and dictionary_VR(e.tag) == "UI"}


POOR = {
    "KVP": None, "StudyID": "", "SeriesNumber": None, "InstanceNumber": 1, "PatientPosition": "",
    "PatientSex": "female", "PatientBirthDate": "1951.02.03 ", "StudyDate": None, "StudyTime": "half past ten",
    "AccessionNumber": None, "ReferringPhysicianName": None, "Manufacturer": None, "SliceThickness": None,
    "SpecificCharacterSet": "ISO 2022 IR 100", "PatientName": "Müller",
    "StudyInstanceUID": "1.2.00077",
}  # fmt: skip


def test_a_tag_poor_or_badly_filled_series_is_enough_and_nothing_of_it_is_said(tmp_path, caplog, capfd):
    grid = Grid(SHAPE, SPACING)
    with warnings.catch_warnings(action="ignore"):
        series = make_series(tmp_path / "ct", grid, tags=POOR)
    caplog.clear()
    capfd.readouterr()
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(action="error"):
        write_seg(tmp_path / "seg", structures(), series)
    said = caplog.text + "".join(capfd.readouterr())
    with warnings.catch_warnings(action="ignore"):
        check_round_trip(tmp_path / "seg", structures(), grid, tmp_path)
        seg = pydicom.dcmread(tmp_path / "seg")
    assert seg.PatientName == "Müller"
    assert (seg.PatientSex, seg.PatientBirthDate, seg.StudyTime) == ("female", "1951.02.03", "half past ten")
    for keyword in ("StudyID", "StudyDate", "AccessionNumber", "ReferringPhysicianName"):
        assert seg[keyword].value in ("", None), keyword
    for secret in ("Müller", "half past", "00077", PATIENT.patient_id, series.files[0].sop_uid, str(tmp_path)):
        assert secret not in said


def test_a_structure_name_outside_the_studys_character_set_is_kept(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING), tags={"SpecificCharacterSet": "ISO_IR 100"})
    write_seg(tmp_path / "seg", {"Zunge żółta": structures()["GTVn"]}, series)
    assert pydicom.dcmread(tmp_path / "seg").SegmentSequence[0].SegmentLabel == "Zunge żółta"


def test_what_cannot_be_written_is_refused_in_words(tmp_path):
    series = make_series(tmp_path / "ct", Grid(SHAPE, SPACING))
    with pytest.raises(ValueError, match="no structure"):
        write_seg(tmp_path / "seg", {}, series)
    for name in ("", "x" * 65, "a\\b", "a\nb"):
        with pytest.raises(ValueError, match="Segment Label"):
            write_seg(tmp_path / "seg", {name: np.zeros(SHAPE, bool)}, series)
    nowhere = replace(series, files=tuple(replace(file, frame_uid="") for file in series.files))
    with pytest.raises(RefusedDicomError, match="FrameOfReferenceUID") as refused:
        write_seg(tmp_path / "seg", structures(), nowhere)
    assert refused.value.reason == "no_frame"
    series.files[0].path.write_bytes(series.files[3].path.read_bytes())
    with pytest.raises(RefusedDicomError) as refused:
        write_seg(tmp_path / "seg", structures(), series)
    assert refused.value.reason == "changed"
    series.files[0].path.unlink()
    with pytest.raises(RefusedDicomError) as refused:
        write_seg(tmp_path / "seg", structures(), series)
    assert refused.value.reason == "unreadable"
    assert not (tmp_path / "seg").exists()
