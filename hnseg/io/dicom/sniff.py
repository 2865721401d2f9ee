"""Whether a folder holds DICOM files, without reading one."""

from __future__ import annotations

import os
from pathlib import Path

LOOKED_AT = 1000
PREAMBLE_BYTES = 128
MAGIC = b"DICM"
SUFFIXES = (".dcm", ".ima", ".dicom")


def holds_dicom(folder: Path) -> bool:
    """Whether one of the first files of a tree is named like DICOM or says that it is (PS3.10, 7.1)."""
    looked = 0
    for level, _, names in os.walk(folder):
        for name in sorted(names):
            if _is_dicom(Path(level) / name):
                return True
            looked += 1
            if looked == LOOKED_AT:
                return False
    return False


def _is_dicom(path: Path) -> bool:
    if not path.is_file():  # a pipe would never end
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE_BYTES + len(MAGIC))[PREAMBLE_BYTES:] == MAGIC
    except OSError:
        return False
