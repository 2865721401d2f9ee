"""The stored values of one image file, decoded. Only for tasks of the child process, :mod:`hnseg.io.dicom.isolated`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID, UID_dictionary

from hnseg.io.dicom.codestreams import whole_image
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.values import Values

_CONTAINERS = (8, 16, 32)  # Bits Allocated of a grey image; PS3.3 section C.7.6.3.1 has 1 and 64 besides
_GREY = ("MONOCHROME1", "MONOCHROME2")  # they differ in how they are shown, not in what the values mean


def stored_values(dataset: FileDataset, transfer_syntax_uid: str) -> NDArray[Any]:
    """(Rows, Columns) integers of a single-frame grey image, of whichever transfer syntax there is a decoder for.

    Bits outside Bits Stored, in which old files keep overlays, are taken out (PS3.5 section 8.1.1).

    Raises:
        RefusedDicomError: ``pixel_format`` (names the tag), ``colour``, or ``undecodable``.
    """
    values = Values(dataset)
    unused = _bits_below(values)
    _check_grey(values)
    # what a sparse file may leave out, and what was found to be so
    dataset.SamplesPerPixel, dataset.NumberOfFrames = 1, 1
    dataset.PhotometricInterpretation = values.text(0x00280004) or "MONOCHROME2"
    dataset.BitsStored = (values.integer(0x00280101) or 0) + unused
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    try:
        stored = _decoded(dataset)
    except MemoryError:
        raise
    except Exception:
        raise _undecodable(transfer_syntax_uid) from None
    if stored.shape != (values.integer(0x00280010), values.integer(0x00280011)) or stored.dtype.kind not in "iu":
        raise _undecodable(transfer_syntax_uid)
    return stored >> unused


def _decoded(dataset: FileDataset) -> NDArray[Any]:
    """What pydicom decodes, or an error of any kind where that is not one whole image."""
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        with whole_image(dataset):
            decoded: NDArray[Any] = pixel_array(dataset, raw=True, allow_excess_frames=False)
        return decoded
    row_bytes = dataset.Columns * dataset.BitsAllocated // 8
    if len(dataset.PixelData) - dataset.Rows * row_bytes >= max(row_bytes, 2):  # one byte is there to make it even
        raise ValueError("more rows than it says")
    native: NDArray[Any] = pixel_array(dataset, raw=True, allow_excess_frames=False)
    return native


def _bits_below(values: Values) -> int:
    """How many unused bits are below the stored ones: High Bit + 1 - Bits Stored."""
    allocated, stored, sign = (values.integer(tag) for tag in (0x00280100, 0x00280101, 0x00280103))
    if allocated not in _CONTAINERS:
        raise RefusedDicomError("pixel_format", f"Bits Allocated (0028,0100) is {allocated}; 8, 16 or 32 are read")
    if stored is None or not 1 <= stored <= allocated:
        raise RefusedDicomError("pixel_format", f"Bits Stored (0028,0101) is {stored} of {allocated} bits allocated")
    if sign not in (0, 1):
        raise RefusedDicomError("pixel_format", f"Pixel Representation (0028,0103) is {sign} and should be 0 or 1")
    high = values.integer(0x00280102)
    below = 0 if high is None else high + 1 - stored
    if not 0 <= below <= allocated - stored:
        raise RefusedDicomError("pixel_format", f"High Bit (0028,0102) is {high} where {stored} bits are stored")
    return below


def _check_grey(values: Values) -> None:
    if (values.integer(0x00280002) or 1) != 1 or values.text(0x00280004) not in (*_GREY, ""):
        raise RefusedDicomError("colour", "the image is in colour (0028,0004); give the grey one that it was made of")
    if (values.integer(0x00280008) or 1) > 1:
        raise RefusedDicomError("enhanced", "the file has several frames (0028,0008); one image a file is read")


def _undecodable(transfer_syntax_uid: str) -> RefusedDicomError:
    # the standard's own name; a private one would be free text
    name = UID_dictionary.get(transfer_syntax_uid, ("a private transfer syntax",))[0]
    return RefusedDicomError(
        "undecodable",
        f"pixels cannot be decoded ({name}); damaged, or export them uncompressed (Explicit VR Little Endian)",
    )
