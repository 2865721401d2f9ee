"""Whether a compressed image is all there: some decoders crop, pad or make up pixels, and give no error.

Found with the decoders of pydicom 3.0 and GDCM 3.2: run lengths and JPEG-LS of a larger image are cropped; a JPEG that
was cut short goes on with noise, and says so on standard error at most. JPEG 2000 and JPEG-LS that are cut are errors.
"""

from __future__ import annotations

import os
import struct
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

_JPEG, _END_OF_JPEG = b"\xff\xd8", b"\xff\xd9"
_START_OF_SCAN = 0xDA
_STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # ITU-T T.81 table B.1; T.87 has 0xF7, JPEG-LS
_COMPLAINTS = (b"premature end", b"bad huffman", b"instead of rst")  # libjpeg's warnings of data that are not there


@contextmanager
def whole_image(dataset: Dataset) -> Iterator[None]:
    """Around the decoding of the one encapsulated image of a data set.

    Raises:
        ValueError: it is not rows x columns, or not all there. Decoders raise errors of any kind besides.
    """
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    with warnings.catch_warnings():
        # what pydicom says where run lengths are of more pixels than the image has
        warnings.filterwarnings("error", message="The decoded RLE segment contains non-conformant padding")
        if not frame.startswith(_JPEG):
            yield
            return
        if jpeg_size(frame) != (dataset.Rows, dataset.Columns):
            raise ValueError("a JPEG of another size")
        if not frame.rstrip(b"\0\xff").endswith(_END_OF_JPEG):
            raise ValueError("a JPEG without end")
        with _no_complaints():
            yield


def jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG or JPEG-LS says it has (ITU-T T.81 section B.2.2); None where it says none."""
    place = len(_JPEG)
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        if marker in _STARTS_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", frame, place + 5)
            return rows, columns
        if marker == _START_OF_SCAN:
            break
        place += 2 + struct.unpack_from(">H", frame, place + 2)[0]
    return None


@contextmanager
def _no_complaints() -> Iterator[None]:
    """Refuse what libjpeg complains about: it does so on standard error, below Python, and gives noise."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        said.seek(0)
        words = said.read(1 << 16).lower()
    if any(complaint in words for complaint in _COMPLAINTS):
        raise ValueError("a JPEG that is cut short")
