"""Files of clicks: tables, JSON, and 3D Slicer's point lists; each click says in which frame its position is."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hnseg.io.markups import MARKUPS_SUFFIXES, SlicerPoint, is_markups, read_markups
from hnseg.io.tables import numbered_rows
from hnseg.types import Click, Grid

Frame = Literal["LPS", "RAS", "voxel"]
COLUMNS = ("case", "x", "y", "z", "frame", "kind")
FRAMES: dict[str, Frame] = {"lps": "LPS", "ras": "RAS", "voxel": "voxel"}
KINDS = {"positive": True, "1": True, "+": True, "negative": False, "0": False, "-": False}
SEPARATORS = "_-. "
NEGATIVE_NAMES = ("negative", "background")
"""One of these in its label, or in the name of its list, makes a click of Slicer negative; so does a ``-`` in front."""


@dataclass(frozen=True)
class FileClick:
    """A click as a file has it.

    Attributes:
        position: (x, y, z): millimetres in LPS or RAS, or with ``voxel`` 0-based column, row and slice of the image
            file as stored, of which fractions are allowed.
        frame: what the position means.
        positive: whether it says that a structure is there, or that nothing is there that is looked for.
        structure: which one, where the file has a column for it.
        names: what else the file calls the click (Slicer: its label, the label without its number, the list's name);
            the first that is a structure's counts.
        place: file and line, for messages.
    """

    position: tuple[float, float, float]
    frame: Frame
    positive: bool
    structure: str = ""
    names: tuple[str, ...] = ()
    place: str = field(default="", compare=False)

    def click(self, grid: Grid, structures: Sequence[str]) -> Click:
        """The click in the patient.

        Args:
            grid: of the image file that ``voxel`` counts in: the one that the mask is made for, the CT of a PET/CT.
            structures: what is looked for; a positive click without a name is of the only one.

        Raises:
            ValueError: a structure that is not among them, or none where there are several.
        """
        x, y, z = self.position
        if self.frame == "RAS":
            lps_mm = (-x, -y, z)
        elif self.frame == "voxel":
            lps_mm = tuple(grid.to_lps_mm(np.array([z, y, x])).tolist())
        else:
            lps_mm = (x, y, z)
        return Click(lps_mm, self._structure(structures))

    def _structure(self, structures: Sequence[str]) -> str | None:
        if self.structure and self.structure not in structures:
            raise ValueError(f"{self.place}: expected one of {list(structures)}, found the structure {self.structure}")
        if not self.positive:
            if self.structure and len(structures) > 1:
                raise ValueError(
                    f"{self.place}: a negative click says that none of {list(structures)} is there; leave its "
                    f"structure empty, or click positively on what is there instead of {self.structure}"
                )
            return None
        spellings = {name.casefold(): name for name in structures}
        known = [spellings[name.casefold()] for name in self.names if name.casefold() in spellings]
        if self.structure or known or len(structures) == 1:
            return self.structure or [*known, structures[0]][0]
        called = f"it is called {' and '.join(self.names)}" if self.names else "it names none"
        raise ValueError(f"{self.place}: expected a click on one of {list(structures)}, but {called}; name one")

    def __str__(self) -> str:
        """Everything about it but its place, exactly."""
        kind = "positive" if self.positive else "negative"
        return " ".join((kind, self.frame, *map(repr, self.position), *filter(None, (self.structure, *self.names))))


def read_clicks(path: Path, cases: Collection[str] = ()) -> dict[str, tuple[FileClick, ...]]:
    """The clicks of each patient, in the order of the file.

    * **CSV**: the columns case, x, y, z, frame (LPS, RAS or voxel) and kind (positive or negative, 1 or 0, + or -), and
      structure where there are several.
    * **JSON**: a list of such records.
    * **3D Slicer**: a point list, ``.mrk.json`` or ``.fcsv``, is of one patient, whose name its file has or begins with
      (``CHUM-001.mrk.json``, ``CHUM-001_negative.fcsv``); a folder of them is of many. A click is negative where its
      label, the name of its list or the rest of the file's name has one of `NEGATIVE_NAMES` in it or begins with ``-``.
      One of them names the structure as well, with or without Slicer's number behind it.

    Args:
        path: a file, or a folder of Slicer's.
        cases: the patients that there are. Where none is the beginning of a Slicer file's name, its stem is the
            patient.

    Raises:
        ValueError: no such file, or a line that is no click; the message names file and line. The frame is never
            guessed.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.lower().endswith(MARKUPS_SUFFIXES))
        if not files:
            raise ValueError(f"{path}: expected 3D Slicer's point lists ({', '.join(MARKUPS_SUFFIXES)}), found none")
        return _by_case(pair for file in files for pair in _of_slicer(file, cases))
    if path.name.lower().endswith(MARKUPS_SUFFIXES) or (path.suffix.lower() == ".json" and is_markups(path)):
        return _by_case(_of_slicer(path, cases))
    rows = _json_records(path) if path.suffix.lower() == ".json" else _csv_records(path)
    return _by_case(_of_record(record, place) for place, record in rows)


def _by_case(clicks: Iterable[tuple[str, FileClick]]) -> dict[str, tuple[FileClick, ...]]:
    found: dict[str, list[FileClick]] = defaultdict(list)
    for case, click in clicks:
        found[case].append(click)
    return {case: tuple(of_case) for case, of_case in found.items()}


def _csv_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{path}, line {line}", row) for line, row in numbered_rows(path, COLUMNS)]


def _json_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    records = json.loads(path.read_text(encoding="utf-8-sig"))  # `is_markups` has read it before
    if not isinstance(records, list):
        raise ValueError(f"{path}: expected a list of clicks, each with {', '.join(COLUMNS)}; found something else")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping) or not set(COLUMNS) <= record.keys():
            raise ValueError(f"{path}, click {number}: expected the keys {', '.join(COLUMNS)}, found {record!r}")
    return [(f"{path}, click {number}", record) for number, record in enumerate(records, start=1)]


def _of_record(record: Mapping[str, Any], place: str) -> tuple[str, FileClick]:
    case, frame, kind = (str(record[key]).strip() for key in ("case", "frame", "kind"))
    if not case:
        raise ValueError(f"{place}: expected the name of a patient in case, found none; fill it in")
    if frame.lower() not in FRAMES:
        raise ValueError(f"{place}: expected the frame {', '.join(FRAMES.values())}, found {frame!r}; say which it is")
    if kind.lower() not in KINDS:
        raise ValueError(f"{place}: expected the kind {' or '.join(KINDS)}, found {kind!r}; correct it")
    x, y, z = (_number(record[axis], axis, place) for axis in "xyz")
    structure = str(record.get("structure") or "").strip()
    return case, FileClick((x, y, z), FRAMES[frame.lower()], KINDS[kind.lower()], structure, place=place)


def _number(value: Any, axis: str, place: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{place}: expected a number in {axis}, found {value!r}; correct it")
    return number


def _of_slicer(path: Path, cases: Collection[str]) -> list[tuple[str, FileClick]]:
    ending = max((end for end in (*MARKUPS_SUFFIXES, ".json") if path.name.lower().endswith(end)), key=len)
    stem = path.name[: -len(ending)]
    case = max((case for case in cases if _begins(stem, case)), key=len, default=stem)
    return [(case, _of_point(point, case, stem)) for point in read_markups(path)]


def _of_point(point: SlicerPoint, case: str, stem: str) -> FileClick:
    unnumbered = point.label.rstrip("0123456789").rstrip("-_ ")
    called = (point.label, unnumbered, point.list_name, stem)
    # Slicer names a list after its file and a point after its list: a patient's name says nothing of the click
    said = (name[len(case) :].lstrip(SEPARATORS) if _begins(name, case) else name for name in called)
    names = tuple(dict.fromkeys(name for name in said if name))
    negative = any(name.startswith("-") or any(word in name.lower() for word in NEGATIVE_NAMES) for name in names)
    return FileClick(point.position_lps_mm, "LPS", not negative, "", names, point.place)


def _begins(name: str, case: str) -> bool:
    """Whether a name is that of a patient, or that with more behind it."""
    return name == case or (name.startswith(case) and name[len(case)] in SEPARATORS)
