"""A user's own table of what their hospital calls structures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hnseg.intake.spellings import PAIRED, UNPAIRED
from hnseg.intake.structure_names import alias_key
from hnseg.io.tables import numbered_rows
from hnseg.prepare.findings import usable_case_id
from hnseg.prepare.organs import PDDCA

NAMES = (*PDDCA, *UNPAIRED, *(f"{organ}_{side}" for organ in PAIRED for side in "LR"))
"""Structures that hnseg has a name for without any alias."""

RESERVED = ("case", "ct", "pt", "pet", "label", "not_annotated", "centre", "split", "patient")
"""Columns of a table of cases that no structure can have."""


def read_aliases(path: Path) -> dict[str, str]:
    """Spelling to structure, from a CSV ``name,structure`` or a YAML file ``name: structure``.

    An empty structure says that the spelling is none, whatever hnseg makes of it.

    Raises:
        ValueError: no such file or table; a spelling twice; a structure that can be no file and no column. Errors name
            the file and the line (of YAML, the entry's number).
    """
    path = Path(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        rows = [(f"entry {number}", *pair) for number, pair in enumerate(_yaml(path).items(), start=1)]
    else:
        rows = [
            (f"line {number}", row["name"], row["structure"])
            for number, row in numbered_rows(path, ("name", "structure"))
        ]
    return _checked(path, rows)


def check_aliases(aliases: dict[str, Any]) -> dict[str, str]:
    """The same for a mapping from the command line.

    Raises:
        ValueError: as `read_aliases`.
    """
    rows = [(f"entry {number}", *pair) for number, pair in enumerate(aliases.items(), start=1)]
    return _checked(Path("aliases"), rows)


def _checked(path: Path, rows: list[tuple[str, Any, Any]]) -> dict[str, str]:
    aliases: dict[str, str] = {}
    places: dict[str, str] = {}
    spelt = {name.casefold(): name for name in NAMES}
    for place, spelling, structure in rows:
        text, name = str(spelling).strip(), "" if structure is None else str(structure).strip()
        if not any(sign.isalnum() for sign in text):
            raise ValueError(f"{path}, {place}: expected a structure's name as it is written in DICOM, found none")
        if (key := alias_key(text)) in places:
            raise ValueError(
                f"{path}, {place}: this name was there in {places[key]} (capitals, accents and signs between words do "
                "not matter); keep one of them"
            )
        if name and (not usable_case_id(name) or name.lower() in RESERVED):
            raise ValueError(
                f"{path}, {place}: {name!r} can be no structure; it becomes a file and a column, so use letters, "
                f"digits, dot, underscore or hyphen, and none of {', '.join(RESERVED)}"
            )
        places[key] = place
        # names that differ in capitals alone would be one file on many disks
        aliases[text] = spelt.setdefault(name.casefold(), name) if name else ""
    return aliases


def _yaml(path: Path) -> dict[Any, Any]:
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: expected a YAML file with lines `name: structure`; check it") from error
    if not isinstance(plain, dict):
        raise ValueError(f"{path}: expected lines `name: structure`, found something else")
    return plain
