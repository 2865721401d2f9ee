"""Which file of a folder is which patient's mask."""

from __future__ import annotations

import re
from pathlib import Path

from hnseg.io import IMAGE_SUFFIXES

TRUTH_ENDINGS = ("_ct_gtvt", "_gtvt")
"""HECKTOR 2020 writes ``CHUS101_ct_gtvt.nii.gz``, 2021 ``CHGJ007_gtvt.nii.gz``, 2022 and later ``CHUM-001.nii.gz``."""

_IS_IMAGE = re.compile(r"_(ct|pt|pet|ctplanning|rtdose)$", re.IGNORECASE)


def find_truths(folder: Path) -> dict[str, Path]:
    """Patient to mask file, for every mask in ``folder`` and in folders named after a patient.

    CT, PET and dose images are passed over.

    Raises:
        ValueError: the folder is not there, holds no masks, or has two masks of one patient.
    """
    return _find(folder, TRUTH_ENDINGS)


def find_predictions(folder: Path) -> dict[str, Path]:
    """Patient to predicted mask ``<case>.nii.gz`` in ``folder`` and in folders named after a patient.

    Raises:
        ValueError: the folder is not there, or has two masks of one patient.
    """
    return _find(folder, (), may_be_empty=True)


def centre_of(case_id: str) -> str:
    """Letters before the first digit or hyphen of a patient's name, as HECKTOR has it: ``CHUM-001`` is of ``CHUM``."""
    found = re.match(r"[^\d-]*", case_id)
    return found.group().rstrip("_.") if found else ""


def _find(folder: Path, endings: tuple[str, ...], may_be_empty: bool = False) -> dict[str, Path]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give the folder that holds the masks")
    masks: dict[str, Path] = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        case_id = _case_id(path, endings)
        if case_id is None or path.parent not in (folder, folder / case_id):
            continue
        if case_id in masks:
            raise ValueError(f"{masks[case_id]} and {path} are both masks of {case_id}; leave one of them in {folder}")
        masks[case_id] = path
    if not masks and not may_be_empty:
        raise ValueError(f"{folder} holds no masks named like CASE.nii.gz or CASE{endings[0]}.nii.gz")
    return masks


def _case_id(path: Path, endings: tuple[str, ...]) -> str | None:
    """The patient whose mask the file's name says it is; None for images and other files."""
    suffix = next((s for s in IMAGE_SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix in (None, ".img") or path.name.startswith(".") or not path.is_file():
        return None
    stem = path.name[: -len(suffix)]
    ending = next((e for e in endings if stem.lower().endswith(e)), None)
    if ending is not None:
        return stem[: -len(ending)]
    return None if _IS_IMAGE.search(stem) else stem
