"""Folders of CTs to predict on: in PDDCA's layout, or files named by their patients."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hnseg.io.phantom_marker import is_phantom
from hnseg.io.volume import is_image, stem
from hnseg.prepare import pddca
from hnseg.prepare.findings import Failure, Findings, usable_case_id
from hnseg.types import Study

CT_ENDING = re.compile(r"[-_]+ct$", re.IGNORECASE)
OTHER_ENDING = re.compile(r"[-_]+(pt|pet|suv|dose|rtdose|mask|label|seg|gtv\w*)$", re.IGNORECASE)
"""What stands behind a patient's name in that of their CT, and in those of files that are none."""


def find_cts(source: Path) -> Findings | None:
    """The CTs of a folder; None where there is none.

    Patients' folders with ``img.nrrd`` at any depth (`hnseg.prepare.pddca`); else the images that lie in the folder
    itself: those named ``<case>_ct`` where any is, else all but what is named as PET, dose or mask.

    Raises:
        ValueError: the source is not a folder.
    """
    folders = [folder for folder in pddca.patient_folders(source) if pddca.find_image(folder)]
    if folders:
        return _studies(source, [(folder.name, image) for folder in folders if (image := pddca.find_image(folder))])
    named = [(stem(path), path) for path in sorted(source.iterdir()) if _may_be_ct(path)]
    marked = [(CT_ENDING.sub("", name), path) for name, path in named if CT_ENDING.search(name)]
    plain = [(name, path) for name, path in named if not OTHER_ENDING.search(name)]
    return _studies(source, marked or plain) if named else None


def _may_be_ct(path: Path) -> bool:
    """Hidden files and the voxels that belong to a header are no images of their own."""
    return path.is_file() and is_image(path) and not path.name.startswith(".") and path.suffix.lower() != ".img"


def _studies(source: Path, images: Sequence[tuple[str, Path]]) -> Findings | None:
    if not images:
        return None
    phantom = is_phantom(source)
    studies = [Study(case_id, {"ct": path}, part="test", phantom=phantom) for case_id, path in images]
    problems = dict(_problems(images))
    usable = [study for study in studies if study.case_id not in problems]
    return Findings.of(usable, [Failure(case_id, message) for case_id, message in problems.items()])


def _problems(images: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, str]]:
    for case_id in dict.fromkeys(case_id for case_id, _ in images):
        paths = [str(path) for other, path in images if other == case_id]
        if len(paths) > 1:
            yield case_id, f"{' and '.join(paths)} are of one name; keep one of them, or rename the other"
        elif not usable_case_id(case_id):
            yield case_id, f"{paths[0]}: use letters, digits, '.', '_' and '-' only in the names of patients"
