import io

import numpy as np
import pydicom
import pytest

from hnseg.io.dicom.object_bytes import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    JPEG_LOSSLESS,
    PrivateBlock,
    decimal_string,
    hashed_uid,
    jpeg_lossless,
    object_bytes,
    replaced,
)


def image(pixels, data=None):
    return {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": hashed_uid("one"),
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype == np.int16),
        "PixelPaddingValue": -5 if pixels.dtype == np.int16 else 5,
        "PixelData": pixels.tobytes() if data is None else data,
    }


def noise(dtype, shape=(7, 9)):
    return np.random.default_rng(0).integers(-2000 * (dtype == np.int16), 30_000, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE, JPEG_LOSSLESS])
def test_pixels_come_back_whatever_the_encoding(dtype, syntax):
    pixels = noise(dtype)
    data = jpeg_lossless(pixels) if syntax == JPEG_LOSSLESS else None
    read = pydicom.dcmread(io.BytesIO(object_bytes(image(pixels, data), (), syntax)))
    assert read.file_meta.TransferSyntaxUID == syntax
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert read.preamble == bytes(128)
    assert abs(read.PixelPaddingValue) == 5
    np.testing.assert_array_equal(read.pixel_array, pixels)


def test_sequences_empty_values_and_private_blocks_are_written():
    elements = {
        **image(noise(np.int16)),
        "AccessionNumber": "",
        "ReferencedStudySequence": [{"ReferencedSOPInstanceUID": "1.2"}, {"ReferencedSOPInstanceUID": "1.3"}],
        "ReferencedPatientSequence": [],
    }
    block = PrivateBlock(0x7053, "Someone", {0x00: ("DS", "0.5"), 0x09: ("DS", "2")})
    read = pydicom.dcmread(io.BytesIO(object_bytes(elements, [block])))
    assert [item.ReferencedSOPInstanceUID for item in read.ReferencedStudySequence] == ["1.2", "1.3"]
    assert len(read.ReferencedPatientSequence) == 0
    assert read.AccessionNumber == ""
    assert float(read.private_block(0x7053, "Someone")[0x09].value) == 2


def test_the_same_values_give_the_same_bytes_and_replacing_adds_nothing():
    timed = {"ContentTime": "101010", "ContributingEquipmentSequence": [{"ContentTime": "101010"}]}
    content = object_bytes(image(noise(np.int16)) | timed)
    assert content == object_bytes(image(noise(np.int16)) | timed)
    changed = pydicom.dcmread(io.BytesIO(replaced(content, {"ContentTime": "111111", "ContentDate": "20200101"})))
    assert changed.ContentTime == changed.ContributingEquipmentSequence[0].ContentTime == "111111"
    assert "ContentDate" not in changed
    assert replaced(content, {}) == content


@pytest.mark.parametrize("value", [0.0, -0.0, 1 / 3, -1.23456789012345e-11, 3.88777472e8, -123456.7890123456, 1e-7])
def test_numbers_fit_a_decimal_string(value):
    text = decimal_string(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-9)
    assert not text.startswith("-0") or value < 0


def test_uids_are_valid_and_words_do_not_run_into_each_other():
    uids = {hashed_uid("ab", "c"), hashed_uid("a", "bc"), hashed_uid("abc"), hashed_uid("abc", "")}
    assert len(uids) == 4
    assert all(pydicom.uid.UID(uid).is_valid and len(uid) <= 64 for uid in uids)
