import os

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLSLossless, RLELossless

from hnseg.io.dicom.codestreams import jpeg_size
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.stored_values import stored_values
from hnseg.types import Grid
from tests.io.dicom.making import write_series
from tests.io.dicom.test_pixels import JPEG, with_gdcm

JPEGS = [JPEG.JPEGLosslessProcess14, JPEG.JPEGLosslessProcess14_1]
OTHERS = [JPEG.JPEG2000Lossless, JPEGLSLossless, RLELossless]
RNG = np.random.default_rng(7)


def compressed(folder, syntax, rows=48, columns=40, top=3072):
    """A file, and its compressed image."""
    grid = Grid((1, rows, columns), (2.0, 1.0, 1.0))
    by_gdcm = isinstance(syntax, int)
    how = {} if by_gdcm else {"syntax": syntax}
    headers = write_series(folder, RNG.integers(-1024, top, grid.shape_zyx).astype(float), grid, stored="uint16", **how)
    if by_gdcm:
        headers = with_gdcm(headers, syntax)
    dataset = dcmread(headers[0].path)
    return dataset, next(generate_frames(dataset.PixelData, number_of_frames=1))


def decoded(dataset, frame):
    dataset.PixelData = encapsulate([frame])
    return stored_values(dataset, str(dataset.file_meta.TransferSyntaxUID))


@pytest.mark.parametrize("syntax", [*JPEGS, *OTHERS])
@pytest.mark.filterwarnings("ignore")
def test_an_image_of_another_size_is_neither_cropped_nor_padded(syntax, tmp_path):
    dataset, frame = compressed(tmp_path / "this", syntax)
    assert decoded(dataset, frame).shape == (48, 40)
    for name, size in (("larger", (96, 80)), ("higher", (96, 40))):
        _, other = compressed(tmp_path / name, syntax, *size, top=-1023)  # all zeros once stored
        with pytest.raises(RefusedDicomError) as refusal:
            decoded(dataset, other)
        assert refusal.value.reason == "undecodable"


@pytest.mark.parametrize("syntax", [*JPEGS, *OTHERS])
@pytest.mark.filterwarnings("ignore")
def test_an_image_that_is_cut_short_is_not_made_up(syntax, tmp_path):
    dataset, frame = compressed(tmp_path, syntax)
    half = len(frame) // 2
    for tail in (b"", b"\xff\xd9", bytes(len(frame) - half)):
        with pytest.raises(RefusedDicomError) as refusal:
            decoded(dataset, frame[:half] + tail)
        assert refusal.value.reason == "undecodable"


def test_fill_behind_the_end_of_a_jpeg_is_none_of_it(tmp_path):
    dataset, frame = compressed(tmp_path, JPEGS[1])
    whole = decoded(dataset, frame)
    np.testing.assert_array_equal(decoded(dataset, frame + bytes(6)), whole)


def test_the_size_of_a_jpeg_is_found_behind_other_segments():
    size = b"\xff\xc3\x00\x0b\x10\x01\x02\x00\x40\x01\x01\x11\x00"
    assert jpeg_size(b"\xff\xd8" + size) == (258, 64)
    assert jpeg_size(b"\xff\xd8\xff\xc4\x00\x04ab\xff\xff" + size) == (258, 64)
    assert jpeg_size(b"\xff\xd8\xff\xf7" + size[2:]) == (258, 64)
    for none in (b"\xff\xd8", b"\xff\xd8\xff\xda" + size, b"\xff\xd8" + bytes(40), b"\xff\xd8" + size[:8]):
        assert jpeg_size(none) is None


def test_standard_error_is_given_back(tmp_path, capfd):
    dataset, frame = compressed(tmp_path, JPEGS[1])
    decoded(dataset, frame)
    os.write(2, b"heard")
    assert "heard" in capfd.readouterr().err
