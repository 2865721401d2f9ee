"""The page of an import: what became a case, what was left out and why, and a picture of each case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hnseg.intake.importer import RECORD
from hnseg.report.html import write_page
from hnseg.report.import_pictures import case_picture
from hnseg.report.import_tables import alias_lines, import_table, structure_table, unknown_table
from hnseg.report.import_words import case_notes, import_cards, import_sentences, import_status, left_out
from hnseg.report.structures import structure_colors
from hnseg.report.tables import Cell, TableView

PAGE = "import.html"
MOST_PICTURES = 24
"""Cases with a picture: each takes seconds, and a page of hundreds would not open."""


@dataclass(frozen=True)
class Shown:
    """A case on the page: a picture, or why there is none, its structures by both names, and what was mended."""

    case_id: str
    about: str
    png: bytes
    reason: str
    structures: TableView | None
    notes: tuple[str, ...]


def write_import_page(folder: Path) -> Path:
    """Write ``import.html`` of what ``import.json`` in the same folder says; returns its path.

    Names of structures as they were written stand on the page, without what names the patient; a reader is told.

    Raises:
        ValueError: ``import.json`` is missing or is none.
    """
    folder = Path(folder)
    record = _read(folder / RECORD)
    cases = record["cases"]
    content = {
        "phantom": record["phantom"],
        "name": folder.absolute().name,
        "data": {"name": "Imported from DICOM"},
        "model": "",
        "status": import_status(record),
        "figures": import_cards(record),
        "sentences": import_sentences(record),
        "cases": import_table(cases),
        "structures": structure_table(cases),
        "unknown": unknown_table(cases),
        "aliases": alias_lines(cases),
        "left_out": left_out(record["skipped"]),
        "shown": list(_shown(folder, record)),
        "others": {entry["case"]: quote(entry["case"]) + "/" for entry in cases[MOST_PICTURES:]},
        "commands": _commands(folder, cases) if cases else {},
    }
    return write_page(folder, "import.html.j2", content, PAGE)


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected what `hnseg import` writes there; import again") from error
    if not isinstance(record, dict) or not {"cases", "skipped", "phantom"} <= record.keys():
        raise ValueError(f"{path}: not what `hnseg import` writes; import again")
    return record


def _shown(folder: Path, record: Mapping[str, Any]) -> Iterator[Shown]:
    names = sorted({one["name"] for entry in record["cases"] for one in entry["structures"]})
    colors = structure_colors(names)
    for entry in record["cases"][:MOST_PICTURES]:
        png, reason = b"", ""
        try:
            png = case_picture(folder / entry["case"], entry, colors, phantom=record["phantom"])
        except (OSError, ValueError):  # its message would show a path
            reason = "a file of this case is missing or cannot be read; import again"
        yield Shown(
            entry["case"], _about(entry), png, reason, _structures(entry["structures"]), tuple(case_notes(entry))
        )


def _about(entry: Mapping[str, Any]) -> str:
    images = [name for name, key in (("CT", "ct"), ("PET", "pt")) if entry[key]]
    tilt = entry["ct"]["tilt_deg"] if entry["ct"] else 0.0
    said = [" and ".join(images), entry["centre"], f"gantry tilt {tilt:.1f}° taken out" if abs(tilt) > 0.05 else ""]
    return ", ".join(filter(None, said))


def _structures(drawn: Sequence[Mapping[str, Any]]) -> TableView | None:
    if not drawn:
        return None
    rows = tuple(
        (
            Cell(one["name"]),
            Cell(one["original"]),
            Cell(one["source"].upper()),
            Cell("–" if one["ml"] is None else f"{one['ml']:.3g}", number=True),
        )
        for one in drawn
    )
    return TableView(("Structure", "Name in the file", "From", "Volume (mL)"), rows, 4)


def _commands(folder: Path, cases: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What comes next, for the images and structures that most cases have; paths as seen from the folder above."""
    table = f"data=table data.csv={folder.absolute().name}/cases.csv"
    if not all(entry["pt"] for entry in cases):
        table += " '~data.images.pt' 'data.modalities=[ct]'"
    names = {one["name"] for entry in cases for one in entry["structures"]}
    if names and "GTVt" not in names:
        table += f" 'data.label_names=[{','.join(sorted(names))}]'"
    return {"Look for trouble before training": f"hnseg check {table}", "Train": f"hnseg train {table}"}
