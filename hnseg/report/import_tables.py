"""The tables of an import's page: cases, structures by all their names, names without a structure."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from io import StringIO
from statistics import median
from typing import Any

from hnseg.report.import_words import Entry, case_notes
from hnseg.report.tables import Cell, TableView
from hnseg.report.words import listing


def import_table(cases: Sequence[Entry]) -> TableView | None:
    """A row a case; columns that say nothing are left out."""
    if not cases:
        return None
    columns = {
        "Case": [Cell(entry["case"], entry["case"]) for entry in cases],
        "Patient": [Cell(entry["patient"], entry["patient"]) for entry in cases],
        "Centre": [Cell(entry["centre"], entry["centre"]) for entry in cases],
        "CT (voxels)": [_voxels(entry["ct"]) for entry in cases],
        "CT (mm)": [_spacing(entry["ct"]) for entry in cases],
        "PET (voxels)": [_voxels(entry["pt"]) for entry in cases],
        "PET (mm)": [_spacing(entry["pt"]) for entry in cases],
        "Scanner, units": [_scanner(entry["pt"]) for entry in cases],
        "Highest SUV": [_highest(entry["pt"]) for entry in cases],
        "Structures": [_counted(entry["structures"]) for entry in cases],
        "Unknown": [_counted(entry["unknown"]) for entry in cases],
        "Notes": [_counted(case_notes(entry)) for entry in cases],
    }
    if all(entry["case"] == entry["patient"] for entry in cases):
        del columns["Patient"]
    shown = {name: cells for name, cells in columns.items() if any(cell.text not in ("", "–") for cell in cells)}
    return TableView(tuple(shown), tuple(zip(*shown.values(), strict=True)), len(shown))


def structure_table(cases: Sequence[Entry]) -> TableView | None:
    """A row a structure: under which names it was drawn, and how large; a wrong name or an outlier is seen here."""
    drawn: dict[str, list[Entry]] = defaultdict(list)
    for entry in cases:
        for one in entry["structures"]:
            drawn[one["name"]].append(one)
    rows = []
    for name, ones in sorted(drawn.items()):
        originals = Counter(one["original"] for one in ones).most_common()
        sizes_ml = [one["ml"] for one in ones if one["ml"] is not None]
        rows.append(
            (
                Cell(name),
                Cell(str(len(ones)), str(len(ones)), number=True),
                Cell(listing([f"{text} ({times})" if times > 1 else text for text, times in originals], 8)),
                Cell(f"{median(sizes_ml):.3g}" if sizes_ml else "–", number=True),
                Cell(f"{min(sizes_ml):.3g} to {max(sizes_ml):.3g}" if sizes_ml else "–", number=True),
            )
        )
    headings = ("Structure", "Cases", "Names in the files", "Median (mL)", "Range (mL)")
    return TableView(headings, tuple(rows), len(headings)) if rows else None


def unknown_table(cases: Sequence[Entry]) -> TableView | None:
    """A row a name that hnseg does not know, the most frequent first."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for entry in cases:
        for one in entry["unknown"]:
            found[one["original"]].append((entry["case"], one["source"]))
    if not found:
        return None
    rows = tuple(
        (
            Cell(name or "(empty)", name),
            Cell(str(len({case for case, _ in drawn})), str(len({case for case, _ in drawn})), number=True),
            Cell(", ".join(sorted({source.upper() for _, source in drawn}))),
            Cell(listing(sorted({case for case, _ in drawn}), 3)),
        )
        for name, drawn in sorted(found.items(), key=lambda item: (-len(item[1]), item[0].casefold()))
    )
    return TableView(("Name in the file", "Cases", "From", "Which"), rows, 4)


def alias_lines(cases: Sequence[Entry]) -> str:
    """A table of aliases to be filled in; names of which something is hidden cannot be in it."""
    counted = Counter(one["original"] for entry in cases for one in entry["unknown"])
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "structure"))
    writer.writerows((name, "") for name, _ in counted.most_common() if name and "*" not in name)
    return text.getvalue().rstrip()


def _voxels(image: Mapping[str, Any] | None) -> Cell:
    if not image:
        return Cell("–", "", number=True)
    z, y, x = image["shape_zyx"]
    return Cell(f"{x} × {y} × {z}", str(x * y * z), number=True)


def _spacing(image: Mapping[str, Any] | None) -> Cell:
    if not image:
        return Cell("–", "", number=True)
    z, y, x = image["spacing_mm"]
    across = f"{x:.3g}" if abs(x - y) < 1e-3 else f"{x:.3g} × {y:.3g}"
    return Cell(f"{across} × {z:.3g}", str(z), number=True)


def _scanner(image: Mapping[str, Any] | None) -> Cell:
    return Cell(f"{image['vendor']}, {image['units']}") if image else Cell("")


def _highest(image: Mapping[str, Any] | None) -> Cell:
    highest = image.get("suv_max") if image else None
    return Cell("–", "", number=True) if highest is None else Cell(f"{highest:.1f}", str(highest), number=True)


def _counted(found: Sequence[Any]) -> Cell:
    return Cell(str(len(found)) if found else "", str(len(found)), number=True)
