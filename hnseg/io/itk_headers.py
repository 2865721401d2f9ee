"""The text headers of NRRD and MetaImage files, looked at for what SimpleITK fills in, or does not report."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

from hnseg.io.errors import UnreadableImageError
from hnseg.io.memory import check_stored_size, truncated

_PATIENT_SPACES = {
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las",
}  # fmt: skip
_META_SUFFIXES = (".mha", ".mhd")
_MAX_HEADER_BYTES = 1 << 20


def check_fields(path: Path) -> None:
    """SimpleITK fills in 1 mm and LPS where a header says nothing; so the header's own words are looked at first."""
    fields, _ = _text_header(path)
    if path.suffix.lower() in _META_SUFFIXES:
        is_header = {"ndims", "dimsize", "elementtype", "elementdatafile"} <= fields.keys()
        has_spacing = "elementspacing" in fields or "elementsize" in fields
    else:
        is_header = {"dimension", "sizes", "type"} <= fields.keys()
        has_spacing = "space directions" in fields or "nan" not in fields.get("spacings", "nan").lower()
    if not is_header:
        raise UnreadableImageError(
            path, f"expected a {path.suffix} header, found something else", "check that this is an image file"
        )
    if not has_spacing:
        raise UnreadableImageError(
            path, "expected a voxel spacing in its header, found none", "export it again with its geometry"
        )


def warn_of_unknown_space(path: Path) -> None:
    """Warn where an NRRD file does not say that its world is a patient's."""
    is_nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    if is_nrrd and _text_header(path)[0].get("space", "").lower() not in _PATIENT_SPACES:
        warnings.warn(
            "NRRD files without a patient 'space' (such as left-posterior-superior) are taken to be in that one.",
            stacklevel=2,
        )


def _text_header(path: Path) -> tuple[dict[str, str], int]:
    """Fields of the text before the voxels, names in lower case, and the number of bytes it takes."""
    fields: dict[str, str] = {}
    meta = path.suffix.lower() in _META_SUFFIXES
    with path.open("rb") as file:
        while file.tell() < _MAX_HEADER_BYTES and (line := file.readline(_MAX_HEADER_BYTES)):
            text = line.decode("latin-1").strip()
            if not text and not meta:
                break  # NRRD: a blank line ends the header
            name, _, value = text.partition("=" if meta else ":")
            fields[name.strip().lower()] = value.strip()
            if meta and name.strip().lower() == "elementdatafile":
                break
        return fields, file.tell()


def check_voxels(path: Path, wanted_bytes: int) -> None:
    """Find missing and damaged voxels that SimpleITK does not report, or only prints.

    Raises:
        UnreadableImageError: no data file, too few bytes for ``wanted_bytes``, or compressed data that are damaged.
    """
    fields, header_bytes = _text_header(path)
    meta = path.suffix.lower() in _META_SUFFIXES
    if meta:
        name, compressed = fields["elementdatafile"], fields.get("compresseddata", "false").lower() == "true"
        inline = name.upper() == "LOCAL"
    else:
        name, compressed = fields.get("data file", fields.get("datafile", "")), fields.get("encoding") in ("gzip", "gz")
        inline = name == ""
        if not (compressed or fields.get("encoding") == "raw") or {"line skip", "byte skip"} & fields.keys():
            return  # rarely met; teem reports what is missing there
    data_path, offset = (path, header_bytes) if inline else (path.parent / name, 0)
    if not data_path.is_file():
        raise UnreadableImageError(
            path, f"expected its voxels in one file {name!r}, found none", "copy header and data file into one folder"
        )
    check_stored_size(path, wanted_bytes, data_path.stat().st_size - offset, compressed)
    if compressed:
        _check_deflated(path, data_path, offset, wanted_bytes)


def _check_deflated(path: Path, data_path: Path, offset: int, wanted_bytes: int) -> None:
    """Decompress once to compare the checksum, keeping nothing.

    SimpleITK 2.5 ignores the checksum of an NRRD file, and of a damaged MetaImage returns what it could decode.
    """
    stream, found = zlib.decompressobj(zlib.MAX_WBITS | 32), 0
    with data_path.open("rb") as file:
        file.seek(offset)
        try:
            while not stream.eof and found <= wanted_bytes and (block := file.read(1 << 20)):
                while block and found <= wanted_bytes:
                    found += len(stream.decompress(block, 1 << 24))
                    block = stream.unconsumed_tail
        except zlib.error as error:
            raise truncated(path, f"its compressed voxels cannot be read ({error})") from error
    if not stream.eof or found != wanted_bytes:
        raise truncated(path, f"expected {wanted_bytes} bytes of voxels, found {found}")
