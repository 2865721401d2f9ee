"""Finds the clinical tables of a HECKTOR edition as its download has them (docs/datasets/clinical_tables.md)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hnseg.prepare.hecktor import walk_files

_INFO = {
    2021: "hecktor2021_patient_info_training.csv",
    2022: "hecktor2022_clinical_info_training.csv",
    2025: "HECKTOR_2025_training_Task_2.csv",
}
_ENDPOINTS = {
    2021: "hecktor2021_patient_endpoint_training.csv",
    2022: "hecktor2022_endpoint_training.csv",
    2025: "HECKTOR_2025_training_Task_2.csv",
}


def hecktor_tables(root: Path, year: int) -> tuple[Path, Path]:
    """The clinical table of an edition's training patients, and the one with their endpoints.

    2025 has both in one file, of task 2. Looked for in ``root`` and below it, else beside it and beside its parent,
    as ``data.root`` may be the folder of the images; capitals do not matter.

    Args:
        root: the folder of the data set.
        year: 2021, 2022 or 2025; 2020 has no clinical tables.

    Raises:
        ValueError: no such year or folder; or a table is not there, or there twice.
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
    return _find(root, _INFO[year], year), _find(root, _ENDPOINTS[year], year)


def _find(root: Path, name: str, year: int) -> Path:
    """Beside the root only files themselves and 2025's folder of task 2: the next folder may be another data set."""
    found = _named(walk_files(root), name)
    for folder in (root.resolve().parent, root.resolve().parent.parent):
        found = found or _named((*folder.glob("*.*"), *folder.glob("Task 2/*.*")), name)
    if len(found) > 1:
        raise ValueError(f"{name} is there more than once, {found[0]} and {found[1]}; keep one of them")
    if not found:
        raise ValueError(
            f"{root}: expected {name} in it, below it or beside it, found none; copy the file there as the organisers "
            f"ship it (docs/datasets/hecktor{year}.md)"
        )
    return found[0]


def _named(paths: Iterable[Path], name: str) -> list[Path]:
    return sorted(path for path in paths if path.name.lower() == name.lower())
