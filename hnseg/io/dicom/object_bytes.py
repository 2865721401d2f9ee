"""DICOM objects from plain values: bytes that depend on nothing but their arguments.

For writers outside this folder, which know keywords and values but not pydicom.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, PYDICOM_ROOT_UID, UID, generate_uid

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
_VERSION_NAME = "HNSEG"
_PIXEL_DATA = "PixelData"

Elements = Mapping[str, Any]
"""Keyword of the data dictionary to value; a sequence is a list of these, an empty element is None."""


@dataclass(frozen=True)
class PrivateBlock:
    """Elements of one private creator (PS3.5, 7.8.1): the last two digits of each tag to (VR, value)."""

    group: int
    creator: str
    elements: Mapping[int, tuple[str, Any]]


def hashed_uid(*words: object) -> str:
    """A UID under pydicom's root that the words alone decide."""
    return str(generate_uid(PYDICOM_ROOT_UID, [f"{word}\0" for word in words]))


def decimal_string(value: float) -> str:
    """``value`` as a DS of at most 16 bytes (PS3.5, 6.2), to ten digits."""
    return f"{float(value) + 0.0:.10g}".replace("e-0", "e-").replace("e+0", "e+")


def object_bytes(
    elements: Elements, private: Sequence[PrivateBlock] = (), transfer_syntax_uid: str = EXPLICIT_LITTLE
) -> bytes:
    """A whole DICOM file (PS3.10, 7.1) with an empty preamble.

    Args:
        elements: with SOP Class UID and SOP Instance UID. ``PixelData`` is bytes: of a compressed transfer syntax those
            of the one frame, which is put into an item of its own.
        private: blocks to be added.
        transfer_syntax_uid: explicit or implicit little endian, or one that compresses single frames.

    Raises:
        ValueError: a value that its VR cannot hold.
    """
    data = _dataset(elements)
    for block in private:
        own = data.private_block(block.group, block.creator, create=True)
        for number, (vr, value) in block.elements.items():
            own.add_new(number, vr, value)
    if _PIXEL_DATA in data and transfer_syntax_uid not in (EXPLICIT_LITTLE, IMPLICIT_LITTLE):
        data.PixelData = encapsulate([data.PixelData], has_bot=False)
        data[_PIXEL_DATA].VR = "OB"
        data[_PIXEL_DATA].is_undefined_length = True
    data.file_meta = _meta(data, transfer_syntax_uid)
    return _file_bytes(data)


def replaced(content: bytes, elements: Elements) -> bytes:
    """An object that hnseg wrote itself, with other values of those ``elements`` that it has, in sequences too."""
    data = dcmread(io.BytesIO(content))
    data.walk(lambda item, element: _replace(item, element.keyword, elements))
    return _file_bytes(data)


def jpeg_lossless(pixels: NDArray[np.int16] | NDArray[np.uint16]) -> bytes:
    """One image (Y, X) of 16 bits as JPEG lossless, first-order prediction (ITU-T T.81, annex H), by GDCM."""
    import gdcm  # only where something is compressed: it takes a moment to load

    assert pixels.ndim == 2, f"one image (Y, X), not {pixels.shape}"
    assert pixels.dtype in (np.int16, np.uint16), f"16 bits, not {pixels.dtype}"
    rows, columns = pixels.shape
    writer = gdcm.ImageWriter()  # owns the image; gdcm.Image() alone is abstract
    image = writer.GetImage()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.ImplicitVRLittleEndian))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 16, 15, int(pixels.dtype == np.int16)))
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetByteStringValue(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    image.SetDataElement(element)
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(image)
    changed = change.Change()
    assert changed, "GDCM could not compress the image"
    frame = change.GetOutput().GetDataElement().GetSequenceOfFragments().GetFragment(0).GetByteValue().GetBuffer()
    return bytes(frame.encode("utf-8", "surrogateescape"))


def _dataset(elements: Elements) -> Dataset:
    data = Dataset()
    for keyword, value in elements.items():
        is_sequence = isinstance(value, list) and (not value or isinstance(value[0], Mapping))
        setattr(data, keyword, [_dataset(item) for item in value] if is_sequence else value)
    return data


def _replace(item: Dataset, keyword: str, elements: Elements) -> None:
    if keyword in elements:
        setattr(item, keyword, elements[keyword])


def _file_bytes(data: Dataset) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


def _meta(data: Dataset, transfer_syntax_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    meta.ImplementationVersionName = _VERSION_NAME
    return meta
