import json
import os
import stat
import struct
import warnings
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from hnseg.io.dicom import opening
from hnseg.io.dicom.file_headers import header_from_json, header_to_json, headers_task, read_header
from hnseg.io.dicom.header_tags import WITH_PIXELS
from hnseg.io.dicom.objects import FileHeader, RefusedDicomError
from hnseg.types import Grid
from tests.io.dicom.making import FRAME_UID, PATIENT, image_dataset, put_pixels, write, write_series

GRID = Grid((1, 5, 7), (2.0, 0.75, 0.5), (-3.25, 4.0, 100.5))
SECRETS = (PATIENT.patient_id, PATIENT.name, PATIENT.birth_date, "Secret", "SECRET")


@pytest.fixture
def ct(tmp_path):
    return write_series(tmp_path, np.arange(35.0).reshape(1, 5, 7), GRID)[0]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(action="ignore"):  # as in the child
        yield


def refused(path, *reasons, file_mib=1):
    with pytest.raises(RefusedDicomError) as refusal:
        read_header(path, file_mib)
    assert refusal.value.reason in reasons, refusal.value
    assert not [word for word in (*SECRETS, str(path), "1.2.8") if word in repr(refusal.value)]
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    return refusal.value


def test_a_ct_and_a_pet_are_read_as_they_were_made(tmp_path):
    values = np.arange(35.0).reshape(1, 5, 7)
    tags = {"QualityControlImage": "YES", "GantryDetectorTilt": -12.5, "SpacingBetweenSlices": 3, "RescaleType": "HU"}
    (ct,) = write_series(tmp_path / "ct", values, GRID, tags=tags)
    (pet,) = write_series(tmp_path / "pt", values, GRID, "pt", tags={"SUVType": "BW"})
    assert read_header(ct.path, 1) == ct
    assert read_header(pet.path, 1) == pet
    assert ct.phantom
    assert pet.pet.total_dose_bq == 350e6


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_other_syntaxes_are_read_the_same(syntax, tmp_path):
    (header,) = write_series(tmp_path, np.arange(35.0).reshape(1, 5, 7), GRID, syntax=syntax)
    assert read_header(header.path, 1) == header


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_big_endian_and_deflated_files_are_read(syntax, ct):
    dataset = opening.read_whole(ct.path, 1)
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dcmwrite(ct.path, dataset, little_endian=syntax != ExplicitVRBigEndian, implicit_vr=False, force_encoding=True)
    assert read_header(ct.path, 1) == replace(ct, transfer_syntax_uid=syntax)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1"])
@pytest.mark.parametrize("kept_from", [132, None])
def test_a_file_without_preamble_or_without_any_meta_information_is_read(syntax, kept_from, tmp_path):
    (header,) = write_series(tmp_path, np.arange(35.0).reshape(1, 5, 7), GRID, syntax=syntax)
    content = header.path.read_bytes()
    start = kept_from or 132 + 12 + struct.unpack("<I", content[140:144])[0]
    header.path.write_bytes(content[start:])
    assert read_header(header.path, 1) == header


def test_a_preamble_of_a_program_is_not_kept(ct):
    content = ct.path.read_bytes()
    ct.path.write_bytes(b"MZ" + b"\x90" * 126 + content[128:])
    assert read_header(ct.path, 1) == ct
    assert opening.read_whole(ct.path, 1).preamble is None


def test_a_file_cut_anywhere_is_refused_and_never_raises_another_thing(ct):
    content = ct.path.read_bytes()
    for end in (*range(0, 140, 20), *range(140, len(content), 7), *range(len(content) - 80, len(content))):
        ct.path.write_bytes(content[:end])
        reasons = ("no_dicom",) if end <= 144 else ("truncated",)
        refused(ct.path, *reasons, *(("no_dicom", "truncated") if 132 <= end < 160 else ()))


def test_compressed_pixels_that_are_cut_are_refused(tmp_path):
    (header,) = write_series(tmp_path, np.arange(35.0).reshape(1, 5, 7), GRID, syntax=RLELossless)
    content = header.path.read_bytes()
    for end in range(len(content) - 60, len(content), 3):
        header.path.write_bytes(content[:end])
        assert "pixels" in str(refused(header.path, "truncated"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1200), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
def test_overwritten_bytes_give_a_header_or_a_refusal(ct, changes):
    content = bytearray(ct.path.read_bytes())
    for place, replacement in changes:
        content[place : place + len(replacement)] = replacement
    path = ct.path.with_name("changed")
    path.write_bytes(content)
    try:
        header = read_header(path, 1)
    except RefusedDicomError:
        return
    if header is not None:
        assert header_from_json(json.loads(json.dumps(header_to_json(header)))) == header


def test_huge_images_in_small_files_are_cut_short(tmp_path):
    dataset = image_dataset(GRID, 0, "ct", "1.2.3", "1.2.4", FRAME_UID)
    put_pixels(dataset, np.zeros((5, 7)), np.dtype("int16"))
    dataset.Rows = dataset.Columns = 65535
    dataset.NumberOfFrames = 2**31 - 1
    write(dataset, tmp_path / "huge")
    assert "70 bytes" in str(refused(tmp_path / "huge", "truncated"))


def test_nesting_and_endless_sequences_end(ct):
    content = ct.path.read_bytes()
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    ct.path.write_bytes(content + (sequence + item) * 2000)
    assert read_header(ct.path, 1) == ct, "nothing behind the pixels is looked at"
    start = content.index(struct.pack("<HH2s", 0x0008, 0x0060, b"CS"))
    ct.path.write_bytes(content[:start] + (sequence + item) * 2000)
    refused(ct.path, "damaged", "truncated")
    ct.path.write_bytes(content[:start] + sequence + empty * 5000)
    refused(ct.path, "truncated")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_dicom"),
        (b"DICM", "no_dicom"),
        (b"PK\x03\x04" + b"zip" * 100, "no_dicom"),
        (b"\x7fELF" + bytes(500), "no_dicom"),
        (bytes(1000), "no_dicom"),
        (bytes(128) + b"DICM", "no_dicom"),
        (bytes(128) + b"DICM" + b"\xa5\x5a\x13" * 400, "no_dicom"),
        (b"\x08\x00\x05\x00" + b"\xff" * 300, "no_dicom"),
        (b"\x02\x00" + os.urandom(3000), "no_dicom"),
        (b"\x1f\x8b\x08\x00" + bytes(range(256)), "no_dicom"),
    ],
)
def test_what_is_no_dicom_file_is_called_that(content, reason, tmp_path):
    (tmp_path / "file").write_bytes(content)
    refused(tmp_path / "file", reason, "truncated" if len(content) > 300 else reason)


def test_pipes_sockets_links_and_folders_do_not_hold_it_up(tmp_path, ct):
    os.mkfifo(tmp_path / "pipe")
    os.mknod(tmp_path / "socket", stat.S_IFSOCK | 0o600)
    (tmp_path / "link").symlink_to(ct.path)
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "pipe", "no_dicom")
    refused(tmp_path / "socket", "unreadable", "no_dicom")
    refused(tmp_path / "link", "unreadable")
    refused(tmp_path / "folder", "no_dicom", "unreadable")
    refused(tmp_path / "missing", "unreadable")


def test_what_may_not_be_read_or_is_too_large_says_so(ct, monkeypatch):
    assert "limit" in str(refused(ct.path, "too_large", file_mib=0))

    def forbidden(*_):
        raise PermissionError(13, "no", str(ct.path))

    monkeypatch.setattr(opening.os, "open", forbidden)
    assert "Permission denied" in str(refused(ct.path, "unreadable"))


def test_sop_class_says_the_modality_and_free_text_does_not(tmp_path):
    def modality_of(sop_class, said):
        dataset = image_dataset(GRID, 0, "ct", "1.2.3", "1.2.4", FRAME_UID)
        put_pixels(dataset, np.zeros((5, 7)), np.dtype("int16"))
        dataset.SOPClassUID, dataset.Modality = sop_class, said
        write(dataset, tmp_path / "file")
        return read_header(tmp_path / "file", 1).modality

    assert modality_of("1.2.840.10008.5.1.4.1.1.2", "OT") == "CT"
    assert modality_of("1.2.840.10008.5.1.4.1.1.128", "CT") == "PT"
    assert modality_of("1.2.840.10008.5.1.4.1.1.7", "CT") == "CT"
    assert modality_of("1.2.840.10008.5.1.4.1.1.4", "MR") == "MR"
    assert modality_of("1.2.840.10008.5.1.4.1.1.4", "SMITH") == "OTHER"
    assert modality_of("1.2.840.10008.5.1.4.1.1.66.1", None) == "REG"
    assert modality_of("1.2.840.10008.5.1.4.1.1.66.7", None) == "SEG"
    assert "1.2.840.10008.5.1.4.1.1.66.7" in WITH_PIXELS


def test_philips_factors_are_read_through_their_creator_alone(tmp_path):
    dataset = image_dataset(GRID, 0, "pt", "1.2.3", "1.2.4", FRAME_UID)
    put_pixels(dataset, np.zeros((5, 7)), np.dtype("int16"))
    other = dataset.private_block(0x7053, "Somebody else", create=True)
    other.add_new(0x00, "DS", "9")
    other.add_new(0x09, "DS", "9")
    write(dataset, tmp_path / "file")
    assert read_header(tmp_path / "file", 1).pet.philips_suv_factor is None
    philips = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    philips.add_new(0x00, "DS", "0.00038")
    philips.add_new(0x09, "DS", "1.625")
    for syntax in (ImplicitVRLittleEndian, "1.2.840.10008.1.2.1"):
        write(dataset, tmp_path / "file", syntax)
        pet = read_header(tmp_path / "file", 1).pet
        assert (pet.philips_suv_factor, pet.philips_activity_factor) == (0.00038, 1.625)


@pytest.mark.parametrize(
    ("keyword", "value", "count"),
    [
        (None, None, 1),
        ("Radiopharmaceutical", "another name", 1),
        ("RadionuclideTotalDose", "351e6", 2),
        ("RadionuclideHalfLife", "1223.4", 2),
        ("RadiopharmaceuticalStartTime", "093001", 2),
        ("RadiopharmaceuticalStartDateTime", "20190708093000", 2),
    ],
)
def test_radiopharmaceuticals_that_differ_are_counted(keyword, value, count, tmp_path):
    dataset = image_dataset(GRID, 0, "pt", "1.2.3", "1.2.4", FRAME_UID)
    put_pixels(dataset, np.zeros((5, 7)), np.dtype("int16"))
    second = deepcopy(dataset.RadiopharmaceuticalInformationSequence[0])
    if keyword:
        setattr(second, keyword, value)
    dataset.RadiopharmaceuticalInformationSequence.append(second)
    write(dataset, tmp_path / "file")
    pet = read_header(tmp_path / "file", 1).pet
    assert (pet.radiopharmaceuticals, pet.total_dose_bq, pet.start_time) == (count, 350e6, "093000")


def test_structure_sets_and_segmentations_say_what_they_were_drawn_on(tmp_path):
    series, frame = Dataset(), Dataset()
    series.SeriesInstanceUID = "1.2.7"
    study = Dataset()
    study.RTReferencedSeriesSequence = [series, series]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = "1.2.8", [study]
    roi = Dataset()
    roi.ReferencedFrameOfReferenceUID = "1.2.9"

    def drawn(sop_class, **tags):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4"
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        write(dataset, tmp_path / "file")
        header = read_header(tmp_path / "file", 1)
        return header.modality, header.references, header.frame_uid

    structures, segmentation = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.66.4"
    referenced = {"ReferencedFrameOfReferenceSequence": [frame]}
    assert drawn(structures, **referenced) == ("RTSTRUCT", ("1.2.7",), "1.2.8")
    assert drawn(structures, **referenced, FrameOfReferenceUID="1.2.6") == ("RTSTRUCT", ("1.2.7",), "1.2.6")
    assert drawn(structures, StructureSetROISequence=[roi]) == ("RTSTRUCT", (), "1.2.9")
    assert drawn(structures) == ("RTSTRUCT", (), "")
    pixels = {"BitsAllocated": 8, "PixelData": bytes(2)}
    assert drawn(segmentation, ReferencedSeriesSequence=[series], **pixels) == ("SEG", ("1.2.7",), "")


def test_missing_uids_are_named_and_a_dicomdir_is_nothing(tmp_path):
    dataset = image_dataset(GRID, 0, "ct", "1.2.3", "1.2.4", FRAME_UID)
    put_pixels(dataset, np.zeros((5, 7)), np.dtype("int16"))
    del dataset.SeriesInstanceUID
    write(dataset, tmp_path / "file")
    assert "SeriesInstanceUID (0020,000E)" in str(refused(tmp_path / "file", "no_uid"))
    directory = Dataset()
    directory.SOPClassUID, directory.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    write(directory, tmp_path / "DICOMDIR")
    assert read_header(tmp_path / "DICOMDIR", 1) is None


def lines_of(paths, folder):
    with (folder / "lines").open("w+") as lines:
        assert headers_task({"paths": paths, "file_mib": 1, "lines": os.dup(lines.fileno())}) == {}
        lines.seek(0)
        return [json.loads(line) for line in lines]


def test_the_task_leaves_a_line_a_file(tmp_path, ct):
    (tmp_path / "text").write_text("SECRET")
    paths = [str(ct.path), str(tmp_path / "text")]
    first, second = lines_of(paths, tmp_path)
    assert header_from_json(first["header"]) == ct
    assert isinstance(header_from_json(first["header"]), FileHeader)
    assert second["refused"][0] == "no_dicom"


def test_ids_that_are_too_long_and_headers_that_are_too_large_are_refused(tmp_path, ct):
    dataset = opening.read_whole(ct.path, 1)
    dataset.PatientID = "SECRET" * 200
    write(dataset, ct.path)
    assert "PatientID (0010,0020)" in str(refused(ct.path, "too_long"))
    dataset.PatientID = "SECRET"
    dataset.SOPClassUID, dataset.ReferencedSeriesSequence = "1.2.840.10008.5.1.4.1.1.66.4", []
    for _ in range(1100):
        series = Dataset()
        series.SeriesInstanceUID = generate_uid()
        dataset.ReferencedSeriesSequence.append(series)
    write(dataset, ct.path)
    (line,) = lines_of([str(ct.path)], tmp_path)
    assert line["refused"][0] == "too_long"
    assert "64 KiB" in line["refused"][1]
