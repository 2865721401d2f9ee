"""Finds the clinical tables of a HECKTOR edition as its download has them (docs/datasets/clinical_tables.md)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from hnseg.prepare.hecktor import walk_files

_INFO = {
    2021: "hecktor2021_patient_info_{part}.csv",
    2022: "hecktor2022_clinical_info_{part}.csv",
    2025: "HECKTOR_2025_{part}_Task_2.csv",
}
_ENDPOINTS = {
    2021: "hecktor2021_patient_endpoint_{part}.csv",
    2022: "hecktor2022_endpoint_{part}.csv",
    2025: "HECKTOR_2025_{part}_Task_2.csv",
}
_PARTS = {"train": "training", "test": "testing"}


def hecktor_tables(root: Path, year: int, part: Literal["train", "test"] = "train") -> tuple[Path, Path | None]:
    """The clinical table of an edition, and the one with the endpoints where the part has one.

    2025 has both in one file, of task 2. Looked for in ``root`` and below it, else beside it and beside its parent,
    as ``data.root`` may be the folder of the images; capitals do not matter.

    Args:
        root: the folder of the data set.
        year: 2021, 2022 or 2025; 2020 has no clinical tables.
        part: the organisers' training or test patients.

    Raises:
        ValueError: no such year or folder; or the table is not there, or there twice; or training patients have no
            endpoints.
    """
    root = Path(root)
    if year not in _INFO:
        raise ValueError(
            f"HECKTOR {year} has no clinical tables that hnseg knows; editions with them are {sorted(_INFO)}"
        )
    if not root.is_dir():
        raise ValueError(
            f"{root} is not a folder; it should hold HECKTOR {year}'s tables (docs/datasets/hecktor{year}.md)"
        )
    info, endpoints = (_find(root, names[year].format(part=_PARTS[part])) for names in (_INFO, _ENDPOINTS))
    for path, names in ((info, _INFO), (endpoints, _ENDPOINTS)):
        if path is None and (part == "train" or names is _INFO):
            raise ValueError(
                f"{root}: expected {names[year].format(part=_PARTS[part])} in it, below it or beside it, found "
                f"none; copy the file there as the organisers ship it (docs/datasets/hecktor{year}.md)"
            )
    assert info is not None
    return info, endpoints


def _find(root: Path, name: str) -> Path | None:
    """Beside the root only files themselves and 2025's folder of task 2: the next folder may be another data set."""
    found = _named(walk_files(root), name)
    for folder in (root.resolve().parent, root.resolve().parent.parent):
        found = found or _named((*folder.glob("*.*"), *folder.glob("Task 2/*.*")), name)
    if len(found) > 1:
        raise ValueError(f"{name} is there more than once, {found[0]} and {found[1]}; keep one of them")
    return found[0] if found else None


def _named(paths: Iterable[Path], name: str) -> list[Path]:
    return sorted(path for path in paths if path.name.lower() == name.lower())
