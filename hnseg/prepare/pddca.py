"""Finds the patients in a folder laid out as PDDCA 1.4.1, the data of the MICCAI 2015 challenge.

    0522c0001/img.nrrd
              structures/BrainStem.nrrd, Chiasm.nrrd, ...    one file an organ, on the grid of img.nrrd
              Landmarks_0001.fcsv                            optional

Raudaschl et al. 2017 (doi:10.1002/mp.12197) describe the challenge; docs/datasets/miccai2015.md the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hnseg.io.phantom_marker import is_phantom
from hnseg.io.volume import is_image, stem
from hnseg.prepare.findings import Failure, Findings, usable_case_id
from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.organs import wanted
from hnseg.types import Study

IMAGE = "img"
STRUCTURES = "structures"
IMAGE_FILES = tuple(f"{IMAGE}{suffix}" for suffix in (".nrrd", ".nii.gz", ".nii", ".mha", ".nhdr", ".mhd"))
"""What a patient's CT may be called, in the order in which they are looked for."""

PDDCA_ID = re.compile(r"0522c(\d{4})")
LAST_TRAINING_ID = 480
"""The challenge's own test patients are 0522c0555 to 0522c0878, its training patients 0522c0001 to 0522c0479."""

DEEPEST = 3
"""Folders between the root and a patient at most: the three parts of the download, unpacked each by itself."""


def find_studies(
    root: Path,
    label_names: Sequence[str],
    aliases: Mapping[str, str] | None = None,
    structures: str = STRUCTURES,
    centre: str = "",
) -> Findings:
    """The studies of a folder in PDDCA's layout, at any depth down to `DEEPEST` folders.

    A structure without a file is *not annotated*, never absent. Files that are no wanted structure are passed over.

    Args:
        root: the folder that holds the patients' folders, or one patient's folder.
        label_names: structures wanted; the nine organs in any spelling (`hnseg.prepare.organs`), other names as spelt.
        aliases: other spellings to structure names, beside those that hnseg knows.
        structures: folder of the masks below each patient's (data sets with several raters have one for each).
        centre: hospital or source, for the tables.

    Returns:
        studies, and as problems patients without a CT, training patients without any wanted structure, and patients
        with two files for one structure.

    Raises:
        ValueError: the root is not there, or nothing in it is laid out in this way.
    """
    folders = list(patient_folders(root, structures))
    if not folders:
        raise ValueError(
            f"no patient below {root} has a CT named {IMAGE_FILES[0]} or {IMAGE_FILES[1]}, as in "
            f"0522c0001/{IMAGE_FILES[0]} with 0522c0001/{structures}/BrainStem.nrrd; see docs/datasets/miccai2015.md"
        )
    names = [folder.name for folder in folders]
    phantom = is_phantom(root)
    studies, problems = [], []
    for folder in folders:
        try:
            _refuse_name(folder, [other for other in folders if other.name == folder.name], names)
            studies.append(_study(folder, label_names, aliases, structures, centre, phantom))
        except ValueError as error:
            problems.append(Failure(folder.name, str(error)))
    return Findings.of(studies, problems)


def patient_folders(root: Path, structures: str = STRUCTURES) -> Iterator[Path]:
    """Folders below the root, or the root itself, with a CT or masks in them or named as PDDCA names its patients.

    Raises:
        ValueError: the root is not a folder.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; it should hold 0522c0001/{IMAGE_FILES[0]} and so on")
    yield from sorted(_patients(root.resolve() if root.name == "" else root, structures, 0))


def find_image(folder: Path) -> Path | None:
    """The CT of a patient's folder."""
    return next((folder / name for name in IMAGE_FILES if (folder / name).is_file()), None)


def landmark_files(study: Study) -> list[Path]:
    """The landmarks in a patient's folder; none where CTs of several patients may share it."""
    ct = study.images["ct"]
    return sorted(ct.parent.glob("*.fcsv")) if ct.name in IMAGE_FILES else []


def part_of(case_id: str) -> str:
    """The challenge's own division by number; patients that are not PDDCA's train."""
    matched = PDDCA_ID.fullmatch(case_id)
    return "test" if matched and int(matched.group(1)) > LAST_TRAINING_ID else "train"


def _patients(folder: Path, structures: str, depth: int) -> Iterator[Path]:
    if find_image(folder) or (folder / structures).is_dir() or PDDCA_ID.fullmatch(folder.name):
        yield folder
    elif depth < DEEPEST:
        for entry in os.scandir(folder):
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _patients(Path(entry.path), structures, depth + 1)


def _study(
    folder: Path,
    label_names: Sequence[str],
    aliases: Mapping[str, str] | None,
    structures: str,
    centre: str,
    phantom: bool,
) -> Study:
    image, part = find_image(folder), part_of(folder.name)
    if image is None:
        raise ValueError(f"{folder} has no {IMAGE_FILES[0]}; put the CT there, or take the folder away")
    masks = _masks(folder / structures, label_names, aliases)
    if not masks and part == "train":
        there = ", ".join(sorted(stem(path) for path in _mask_files(folder / structures))) or "nothing"
        raise ValueError(
            f"{folder / structures} has none of {', '.join(label_names)}, only {there}; name other spellings in "
            "data.aliases, or take the patient away"
        )
    return Study(folder.name, {"ct": image}, masks, centre, None, part, phantom)


def _masks(folder: Path, label_names: Sequence[str], aliases: Mapping[str, str] | None) -> dict[str, tuple[Path, int]]:
    """Structure to (file, any value), in the order of ``label_names``."""
    files: dict[str, Path] = {}
    for path in _mask_files(folder):
        name = wanted(stem(path), label_names, aliases)
        if name is None:
            continue
        if name in files:
            raise ValueError(f"{files[name]} and {path} both mean {name}; keep one of them")
        files[name] = path
    return {name: (files[name], ANY_VALUE) for name in label_names if name in files}


def _mask_files(folder: Path) -> list[Path]:
    """Masks in a folder, hidden files and the data files of a header left out."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted(p for p in paths if is_image(p) and not p.name.startswith(".") and p.suffix.lower() != ".img")


def _refuse_name(folder: Path, same: Sequence[Path], names: Sequence[str]) -> None:
    if names.count(folder.name) > 1:
        raise ValueError(f"{' and '.join(map(str, same))} have one name; keep one, or rename the other")
    if not usable_case_id(folder.name):
        raise ValueError(f"{folder}: use letters, digits, '.', '_' and '-' only in the names of patients")
