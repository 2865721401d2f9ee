"""The header of a DICOM file as plain values of listed attributes, and whether its pixels can be all there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydicom.dataset import FileDataset

from hnseg.io.dicom.header_tags import TAGS, WITH_PIXELS, image_tags, modality, patient_tags, pet_tags, references
from hnseg.io.dicom.objects import FileHeader, ImageTags, PatientTags, PetTags, RefusedDicomError
from hnseg.io.dicom.opening import open_file, parse, truncated
from hnseg.io.dicom.pixel_length import PixelWatch
from hnseg.io.dicom.values import Values

LINE_BYTES = 1 << 16
"""Of the longest line: every text in a header of 1024 characters, or references to some 900 series."""

_DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory: the DICOMDIR of a CD, which lists other files


def headers_task(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read the headers of ``paths`` into the lines of the open file ``lines``, a number, in their order.

    A line is ``{"header": ...}``, ``{"refused": [reason, message]}`` or, of a DICOMDIR, ``{}``. Each is written at
    once, so that what was read before a file killed the process is not lost.
    """
    with os.fdopen(arguments["lines"], "w") as lines:
        for path in arguments["paths"]:
            lines.write(_text(_line(Path(path), arguments["file_mib"])) + "\n")
            lines.flush()
    return {}


def read_header(path: Path, file_mib: int) -> FileHeader | None:
    """The header of a file, or None for a DICOMDIR. Of the pixels only the length is looked at.

    Raises:
        RefusedDicomError: ``no_dicom``, ``truncated``, ``damaged``, ``unreadable``, ``too_large``, ``too_long``, or
            ``no_uid``.
    """
    with open_file(path, file_mib) as stream:
        watch = PixelWatch(stream)
        dataset = parse(stream, watch, TAGS)
        meta = Values(dataset.file_meta)
        if meta.uid(0x00020002) == _DIRECTORY:
            return None
        header = _header(path, dataset, meta)
        _check_uids(header, watch, made_as_dicom=len(dataset.file_meta) > 0)
        if watch.length is None and (header.image is not None or header.sop_class_uid in WITH_PIXELS):
            raise truncated("it ends before its Pixel Data (7FE0,0010)")
        if header.image is not None:
            watch.check(stream, _pixel_bytes(header.image))
    return header


def header_to_json(header: FileHeader) -> dict[str, Any]:
    """Plain values, from which :func:`header_from_json` makes an equal header."""
    return asdict(header) | {"path": str(header.path)}


def header_from_json(plain: Mapping[str, Any]) -> FileHeader:
    """The header that :func:`header_to_json` wrote."""
    parts = {
        "path": Path(plain["path"]),
        "patient": PatientTags(**plain["patient"]),
        "image": ImageTags(**_tuples(plain["image"])) if plain["image"] is not None else None,
        "pet": PetTags(**_tuples(plain["pet"])) if plain["pet"] is not None else None,
    }
    return FileHeader(**(_tuples(plain) | parts))


def _line(path: Path, file_mib: int) -> dict[str, Any]:
    try:
        header = read_header(path, file_mib)
    except RefusedDicomError as error:
        return {"refused": [error.reason, error.message]}
    except MemoryError:
        return {"refused": ["too_large", "its header takes more memory than a file may have; leave it out"]}
    return {"header": header_to_json(header)} if header is not None else {}


def _text(line: dict[str, Any]) -> str:
    """At most :data:`LINE_BYTES` with the line break; ASCII."""
    text = json.dumps(line)
    if len(text) < LINE_BYTES:
        return text
    message = f"what its header says takes more than {LINE_BYTES >> 10} KiB (it may name too many series); leave it out"
    return json.dumps({"refused": ["too_long", message]})


def _header(path: Path, dataset: FileDataset, meta: Values) -> FileHeader:
    values = Values(dataset)
    sop_class = values.uid(0x00080016) or meta.uid(0x00020002)
    kind = modality(sop_class, values)
    series_references, drawn_frame = references(kind, values)
    return FileHeader(
        path=path,
        modality=kind,
        sop_class_uid=sop_class,
        sop_uid=values.uid(0x00080018) or meta.uid(0x00020003),
        series_uid=values.uid(0x0020000E),
        study_uid=values.uid(0x0020000D),
        frame_uid=values.uid(0x00200052) or drawn_frame,
        transfer_syntax_uid=meta.uid(0x00020010) or _found_syntax(dataset),
        patient=patient_tags(values),
        image=image_tags(values),
        pet=pet_tags(values) if kind == "PT" else None,
        references=series_references,
        phantom=values.text(0x00280300) == "YES",
    )


def _check_uids(header: FileHeader, watch: PixelWatch, made_as_dicom: bool) -> None:
    needed = {
        "SOPClassUID (0008,0016)": header.sop_class_uid,
        "SOPInstanceUID (0008,0018)": header.sop_uid,
        "SeriesInstanceUID (0020,000E)": header.series_uid,
    }
    missing = [name for name, uid in needed.items() if not uid]
    if len(missing) == len(needed) and not made_as_dicom:
        raise RefusedDicomError("no_dicom", "it is not a DICOM file")
    if missing and watch.length is None:
        raise truncated(f"it ends before its {', '.join(missing)}")
    if missing:
        raise RefusedDicomError("no_uid", f"it has no usable {', '.join(missing)}; export it again")


def _found_syntax(dataset: FileDataset) -> str:
    """The uncompressed transfer syntax that a file without file meta information turned out to have."""
    implicit, little = dataset.original_encoding
    return "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"


def _pixel_bytes(image: ImageTags) -> int:
    bits = image.rows * image.columns * image.frames * image.samples_per_pixel * image.bits_allocated
    return (bits + 7) // 8


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
