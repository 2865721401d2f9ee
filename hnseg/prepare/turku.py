"""Finds the patients of a study laid out as that of Rainio et al. 2024: a PET and a mask each, irregular names.

    positiiviset/2_anon/2_nifti_pet/2_nifti_pet.img        PET, with its .hdr
                 2_anon/2_maski/2_maski.img                mask
                 12_anon/12_nifti_pet/12_nifti_pet.img
                 12/12_maskit.img                          of the same patient
                 23/23_maski/23_nifti_maski_edit.img       corrected by hand

Rainio et al. 2024 (doi:10.1007/s13721-024-00483-0) describe the data, which are private; docs/datasets/turku.md
the files. Whatever is named in another way a table lists (`from_csv`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hnseg.io.phantom_marker import is_phantom
from hnseg.io.tables import read_rows
from hnseg.io.volume import is_image, stem
from hnseg.prepare import table
from hnseg.prepare.findings import Failure, Findings, usable_case_id
from hnseg.prepare.masks import ANY_VALUE
from hnseg.types import Study

LIST_THEM = "list the files in a CSV (data.csv=FILE with columns case,pet,mask)"

NUMBERED = re.compile(r"\d+(_anon)?", re.IGNORECASE)
"""What the published study calls a patient's folder."""

DEEPEST = 4
"""Folders below the root that are looked into for patients, and below a patient for images."""


def find_studies(root: Path, label_name: str = "GTV", part: str = "train") -> Findings:
    """The studies of a folder in this layout, ordered by patient number.

    A patient's folder is one that is called by a number, with or without ``_anon``, or any that holds a PET and a mask
    no deeper than such folders lie; their name is the number, or the folder's own without ``_anon``. Folders of one
    number side by side are one patient's. Below it the PET is the only image that says ``pet``, the mask the only one
    that says ``mask``, in the file's name or, if that says neither, in that of a folder; of two masks the one called
    ``_edit`` counts. Every voxel of a mask above 0.5 is positive.

    Args:
        root: the folder that holds the patients' folders at any depth, or one patient's folder.
        label_name: what the mask outlines.
        part: of the studies; a patient to train on needs a mask.

    Returns:
        studies, and as problems patients with no or several files for one thing, and two with one name.

    Raises:
        ValueError: the root is not there, or nothing in it is laid out in this way.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; it should hold 2_anon/2_nifti_pet/2_nifti_pet.img and so on")
    patients = _by_patient(_patient_folders(root.absolute(), 0))
    if not patients:
        raise ValueError(
            f"no folder below {root} is called by a patient's number or holds images, as in "
            f"2_anon/2_nifti_pet/2_nifti_pet.img with 2_anon/2_maski/2_maski.img; or {LIST_THEM}"
        )
    studies, problems = [], []
    names, phantom = [case_id for case_id, _ in patients], is_phantom(root)
    for case_id, folders in patients:
        try:
            if names.count(case_id) > 1:
                same = " and ".join(str(own[0]) for name, own in patients if name == case_id)
                raise ValueError(f"{same} have one name; rename one, or {LIST_THEM}")
            studies.append(_study(case_id, folders, label_name, part, phantom))
        except ValueError as error:
            problems.append(Failure(case_id, str(error)))
    return _ordered(studies, problems)


def from_csv(csv: Path, label_name: str = "GTV") -> Findings:
    """The studies of a table with the columns case, pet (or pt), mask, and optionally centre and split.

    Raises:
        ValueError: see `hnseg.prepare.table.find_studies`.
    """
    columns = {column.lower(): column for column in (read_rows(csv)[:1] or [{}])[0]}
    pet = next((columns[name] for name in ("pet", "pt") if name in columns), "pet")
    case, centre, split = (columns.get(name, name) for name in ("case", "centre", "split"))
    found = table.find_studies(
        csv,
        {"pt": pet},
        (label_name,),
        {"mask": label_name},
        case_column=case,
        centre_column=centre,
        split_column=split,
    )
    return _ordered(found.studies, found.problems)


def _ordered(studies: Sequence[Study], problems: Sequence[Failure]) -> Findings:
    return Findings(
        tuple(sorted(studies, key=lambda study: _natural(study.case_id))),
        tuple(sorted(problems, key=lambda problem: (_natural(problem.case_id), problem.message))),
    )


def _natural(name: str) -> list[tuple[str, int]]:
    """2 before 12: each stretch of other signs with the number behind it."""
    return [(text, int(number or -1)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _patient_folders(folder: Path, depth: int) -> Iterator[Path]:
    """This folder if it is a patient's, else those below it."""
    children = _folders(folder)
    if not any(NUMBERED.fullmatch(child.name) or len(_by_role(child)) == 2 for child in children):
        if _images(folder):
            yield folder
        return
    for child in children:
        if NUMBERED.fullmatch(child.name):
            yield child
        elif depth < DEEPEST:
            yield from _patient_folders(child, depth + 1)


def _by_patient(folders: Iterator[Path]) -> list[tuple[str, list[Path]]]:
    """Name of each patient and their folders, which lie side by side."""
    patients: dict[tuple[Path, str], list[Path]] = {}
    for folder in folders:
        number = re.match(r"\d+(?=_|$)", folder.name)
        case_id = number[0] if number else re.sub("_anon$", "", folder.name, flags=re.IGNORECASE)
        patients.setdefault((folder.parent, case_id), []).append(folder)
    return [(case_id, own) for (_, case_id), own in patients.items()]


def _study(case_id: str, folders: Sequence[Path], label_name: str, part: str, phantom: bool) -> Study:
    if not usable_case_id(case_id):
        raise ValueError(f"{folders[0]}: use letters, digits, '.', '_' and '-' only in the names of patients")
    roles: dict[str, list[Path]] = {"pet": [], "mask": []}
    for folder in folders:
        for role, paths in _by_role(folder).items():
            roles[role] += paths
    pet = _only("pet", roles["pet"], folders)
    if part != "train" and not roles["mask"]:
        return Study(case_id, {"pt": pet}, part=part, phantom=phantom)
    edited = [path for path in roles["mask"] if stem(path).lower().endswith("_edit")]
    mask = _only("mask", edited if len(edited) == 1 and len(roles["mask"]) == 2 else roles["mask"], folders)
    return Study(case_id, {"pt": pet}, {label_name: (mask, ANY_VALUE)}, part=part, phantom=phantom)


def _only(role: str, found: Sequence[Path], folders: Sequence[Path]) -> Path:
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{' and '.join(map(str, found))} could each be the {role}; keep one of them, or {LIST_THEM}")
    held = ", ".join(path.name for folder in folders for path in _images(folder)) or "no image"
    where = " and ".join(map(str, folders))
    raise ValueError(
        f"{where} {'hold' if len(folders) > 1 else 'holds'} {held}, expected one image whose name or folder says "
        f"{role!r}{' (of zeros, if there is no tumour)' if role == 'mask' else ''}; add it, or {LIST_THEM}"
    )


def _by_role(folder: Path) -> dict[str, list[Path]]:
    """``pet`` and ``mask`` to the images below a folder that say so; what says neither is nothing of ours."""
    roles: dict[str, list[Path]] = {}
    for path in _images(folder):
        names = (stem(path), *(own.name for own in path.parents if folder in own.parents))
        said = (role for name in names for role in ("mask", "pet") if role in name.lower())
        if role := next(said, None):
            roles.setdefault(role, []).append(path)
    return roles


def _images(folder: Path, depth: int = 0) -> list[Path]:
    """Images below a folder; of a pair its .img, by which it is read as well as by its .hdr."""
    paths = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith(".")]
    pairs = {path.with_suffix("") for path in paths if path.suffix.lower() == ".img"}
    images = [path for path in paths if is_image(path)]
    own = [path for path in images if path.suffix.lower() != ".hdr" or path.with_suffix("") not in pairs]
    below = [path for child in _folders(folder) for path in _images(child, depth + 1)] if depth < DEEPEST else []
    return sorted(own) + below


def _folders(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
