"""Named points in the patient from 3D Slicer's ``.fcsv`` files, as PDDCA has them beside its scans."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MARKUPS = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc", "associatedNodeID")
"""The 14 columns of Slicer 4."""
FIDUCIALS = ("label", "x", "y", "z", "sel", "vis")
"""The columns of Slicer 3; older lists stop after z."""
POINTS = ("x", "y", "z")

_SIGNS = {"0": (-1.0, -1.0, 1.0), "ras": (-1.0, -1.0, 1.0), "1": (1.0, 1.0, 1.0), "lps": (1.0, 1.0, 1.0)}
"""From the file's axes to LPS, by what its header calls them; lists without a word on it are in RAS."""


@dataclass(frozen=True)
class Landmark:
    """A named point.

    Attributes:
        name: as the file has it, or its number where it has none.
        position_lps_mm: (x, y, z), None where the file lacks a coordinate.
    """

    name: str
    position_lps_mm: tuple[float, float, float] | None


def read_landmarks(path: Path) -> list[Landmark]:
    """The points of a Slicer fiducial list, in LPS whatever the file's own axes are.

    Read are lists of Slicer 4 (14 columns) and of Slicer 3 (``label,x,y,z`` and perhaps more), columns as the header
    comment names them or, without one, as their number tells, and bare ``x,y,z``.

    Raises:
        ValueError: no such file, not text, coordinates of voxels, or a line that is no point.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"{path}: expected a list of landmarks ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a Slicer list of landmarks in text; export it again") from error
    comments = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    signs = _signs(path, _header(comments, "CoordinateSystem"))
    named = [name.strip() for name in _header(comments, "columns").split(",") if name.strip()]
    landmarks: list[Landmark] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            cells = [cell.strip() for cell in next(csv.reader([line]))]
            landmarks.append(_landmark(path, number, cells, named, signs, len(landmarks) + 1))
    return landmarks


def _header(comments: Sequence[str], key: str) -> str:
    """What the header says of ``key``; empty where it says nothing."""
    found = (re.fullmatch(rf"{key}\s*=\s*(.*)", comment, re.IGNORECASE) for comment in comments)
    return next((match.group(1) for match in found if match), "")


def _signs(path: Path, system: str) -> tuple[float, float, float]:
    signs = _SIGNS.get(system.strip().lower() or "ras")
    if signs is None:
        raise ValueError(
            f"{path}: expected landmarks in RAS (0) or LPS (1), its CoordinateSystem is {system!r}; export it again "
            "from Slicer in one of these"
        )
    return signs


def _landmark(
    path: Path, number: int, cells: list[str], named: list[str], signs: tuple[float, float, float], index: int
) -> Landmark:
    columns = named or _columns(len(cells))
    cell = dict(zip(columns, cells, strict=False))
    if not set(POINTS) <= cell.keys():
        raise ValueError(f"{path}, line {number}: expected the columns {', '.join(columns)}, found {cells}; correct it")
    position = [_coordinate(path, number, cell[axis]) for axis in POINTS]
    name = cell.get("label", "") or str(index)
    if any(math.isnan(value) for value in position):
        return Landmark(name, None)
    x, y, z = (value * sign for value, sign in zip(position, signs, strict=True))
    return Landmark(name, (x, y, z))


def _columns(number: int) -> Sequence[str]:
    if number >= len(MARKUPS) - 1:  # the last cell is often left out
        return MARKUPS
    return FIDUCIALS if number > len(POINTS) else POINTS


def _coordinate(path: Path, number: int, text: str) -> float:
    """Millimetres; not a number where the cell is empty."""
    try:
        value = float(text or "nan")
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: expected millimetres, found {text!r}; correct the line") from error
    return value if math.isfinite(value) else math.nan
