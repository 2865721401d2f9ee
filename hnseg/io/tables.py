"""CSV files as users have them: from a spreadsheet, with any of three separators and perhaps a byte order mark."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg.io.atomic import atomic_path
from hnseg.types import BoxMm

PREDICTIONS = "predictions.csv"
"""The table that a prediction leaves beside its masks: a row a patient, their volumes in columns ``<structure>_ml``."""

BOX_COLUMNS = ("PatientID", "x1", "x2", "y1", "y2", "z1", "z2")


def read_rows(path: Path, required: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a CSV with a header, all cells as stripped text; empty lines are skipped.

    Comma, semicolon or tab, whichever the header line has most of. UTF-8 with or without a byte order mark.

    Args:
        path: the table.
        required: columns that must be there.

    Raises:
        ValueError: no such file, another encoding, no or repeated column names, a missing column, or a row with more
            cells than the header.
    """
    return [row for _, row in numbered_rows(Path(path), required)]


def read_cases(path: Path) -> list[dict[str, str]]:
    """Rows of a user's own table of cases: a ``case`` column with a different name in every row, and any others.

    Raises:
        ValueError: as :func:`read_rows`; or a case name that is empty or used twice; or no row at all.
    """
    path = Path(path)
    rows = keyed_rows(path, "case", ("case",))
    return [row for _, row in rows.values()]


def read_boxes(path: Path) -> dict[str, BoxMm]:
    """Published bounding boxes (HECKTOR 2020, 2021: ``PatientID,x1,x2,y1,y2,z1,z2``, mm in LPS) by patient.

    Raises:
        ValueError: as :func:`read_rows`; or a patient twice; or a corner that is no finite number, or that does not lie
            above its opposite.
    """
    path = Path(path)
    boxes = {}
    for patient, (line, row) in keyed_rows(path, "PatientID", BOX_COLUMNS).items():
        place = f"{path}, line {line} ({patient})"
        low = tuple(_millimetres(row[f"{axis}1"], f"{axis}1", place) for axis in "xyz")
        high = tuple(_millimetres(row[f"{axis}2"], f"{axis}2", place) for axis in "xyz")
        for axis, below, above in zip("xyz", low, high, strict=True):
            if below >= above:
                raise ValueError(
                    f"{place}: expected {axis}1 < {axis}2, found {below:g} and {above:g}; correct or swap the two."
                )
        boxes[patient] = BoxMm(low, high)  # type: ignore[arg-type]
    return boxes


def write_rows(path: Path, rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> None:
    """Write a comma-separated UTF-8 table, whole or not at all.

    Args:
        path: where to; missing folders are made.
        rows: None becomes an empty cell, floats keep all their digits.
        columns: names and order; by default every key of any row in order of appearance.

    Raises:
        ValueError: a row has a key that ``columns`` lacks.
        DiskFullError: no room.
    """
    names = list(columns) if columns is not None else list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def keyed_rows(path: Path, key: str, required: Sequence[str]) -> dict[str, tuple[int, dict[str, str]]]:
    """Rows by the name in column ``key``: name to (line where the row ends, row), in the table's order.

    Raises:
        ValueError: as :func:`read_rows`; or a name that is empty or there twice (both lines are named); or no row.
    """
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in numbered_rows(path, required):
        name = row[key]
        if not name:
            raise ValueError(f"{path}, line {line}: expected a name in column {key}, found none; fill it in.")
        if name in found:
            raise ValueError(
                f"{path}, line {line}: {key} {name!r} was there on line {found[name][0]}; keep one row for each."
            )
        found[name] = (line, row)
    if not found:
        raise ValueError(f"{path}: expected at least one row below the header, found none; check the file.")
    return found


def numbered_rows(path: Path, required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(line where the row ends, row) for each row, otherwise as :func:`read_rows`."""
    text = _read_text(path)
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=header_line.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, skipinitialspace=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: not a readable table ({error}); save it again.") from error
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled:
        raise ValueError(f"{path}: expected a header line with column names, found an empty file; check the file.")
    names = _column_names(path, filled[0][1], required)
    return [(number, _row(path, number, names, cells)) for number, cells in filled[1:]]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8 text; save the table as 'CSV UTF-8'.") from error
    except OSError as error:
        raise ValueError(f"{path}: expected a CSV table ({error.strerror}); check the path.") from error


def _column_names(path: Path, names: list[str], required: Sequence[str]) -> list[str]:
    while names and not names[-1]:
        names = names[:-1]  # spreadsheets leave separators behind empty columns
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: columns {', '.join(repeated)} appear more than once; rename or remove them.")
    missing = [name for name in required if name not in names]
    if missing:
        raise ValueError(
            f"{path}: expected columns {', '.join(required)}, found {', '.join(names)}; add {', '.join(missing)}."
        )
    return names


def _row(path: Path, number: int, names: list[str], cells: list[str]) -> dict[str, str]:
    if any(cells[len(names) :]):
        raise ValueError(
            f"{path}, line {number}: expected {len(names)} cells, found {len(cells)}; quote cells that contain "
            "the separator."
        )
    return dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=False))


def _millimetres(text: str, column: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{place}: expected millimetres in column {column}, found {text!r}; write a number like 12.5.")
    return value
