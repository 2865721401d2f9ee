"""Finds the patients in a HECKTOR folder of 2020, 2021, 2022 or 2025, as the organisers' downloads have them.

Challenge papers: Andrearczyk et al. 2020 (doi:10.1007/978-3-030-67194-5_1), 2021 (doi:10.1007/978-3-030-98253-9_1),
2022 (doi:10.1007/978-3-031-27420-6_1). The layouts are described page by page in docs/datasets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hnseg.io.phantom_marker import is_phantom
from hnseg.io.tables import read_boxes
from hnseg.prepare.findings import Failure, Findings, usable_case_id
from hnseg.types import BoxMm, Study

Part = Literal["train", "test", "all"]

TEST_FOLDER = re.compile(r"(^|_)(test|testing)$|^images?ts$", re.IGNORECASE)
"""Folders of test patients: ``hecktor_test``, ``hecktor_nii_test``, ``hecktor2022_testing``, ``imagesTs``,
``imageTs``."""

TEST_ROOT = re.compile(r"hecktor.*_(test|testing)$|images?ts$", re.IGNORECASE)
"""Stricter, for folders that the user named: ``/data/test/hecktor2021`` holds training patients."""

TASK_FOLDER = re.compile(r"task\s*(\d)$", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How one year's files are named.

    Attributes:
        separator: what stands between the patient and the kind of file.
        masks: patterns of mask names with the patient in them, lower case, in order of preference.
        structures: structure name to its value in the mask.
        expected: what to tell somebody whose folder holds none of it.
    """

    separator: str
    masks: tuple[str, ...]
    structures: Mapping[str, int]
    expected: str


GTVT = {"GTVt": 1}
GTVP_GTVN = {"GTVp": 1, "GTVn": 2}
LAYOUTS: dict[int, Layout] = {
    2020: Layout(
        "_",
        ("{}_ct_gtvt", "{}_gtvt"),
        GTVT,
        "hecktor_nii/CHUS101/CHUS101_{ct,pt,ct_gtvt}.nii.gz, and bbox.csv above them",
    ),
    2021: Layout(
        "_",
        ("{}_gtvt", "{}_ct_gtvt"),
        GTVT,
        "hecktor_nii/CHGJ007_{ct,pt,gtvt}.nii.gz, and hecktor2021_bbox_training.csv above them",
    ),
    2022: Layout("__", ("{}",), GTVP_GTVN, "imagesTr/CHUM-001__{CT,PT}.nii.gz and labelsTr/CHUM-001.nii.gz"),
    2025: Layout("__", ("{}",), GTVP_GTVN, "Task 1/CHUM-001/{CHUM-001__CT,CHUM-001__PT,CHUM-001}.nii.gz"),
}


@dataclass
class _Files:
    """What was found of one patient; a kind of file that was met twice holds both paths."""

    images: dict[str, list[Path]] = field(default_factory=lambda: {"ct": [], "pt": []})
    masks: list[Path] = field(default_factory=list)


def find_studies(root: Path, year: int, part: Part = "train") -> Findings:
    """The studies of a HECKTOR folder, its parent, or one of its image folders.

    Training patients without a mask, and any patient without CT or PET, come back as problems.

    Args:
        root: the folder.
        year: 2020, 2021, 2022 or 2025.
        part: the organisers' own training or test patients, or both.

    Raises:
        ValueError: the year or the folder is not there, or nothing in the folder is named as that year's files are.
    """
    layout = LAYOUTS.get(year)
    if layout is None:
        raise ValueError(f"HECKTOR {year} is not known; hnseg reads {sorted(LAYOUTS)}")
    if not root.is_dir():
        raise ValueError(
            f"{root} is not a folder; data.root should hold {layout.expected} (docs/datasets/hecktor{year}.md)"
        )
    found = _collect(root, layout)
    if not found:
        raise ValueError(
            f"nothing below {root} is named as HECKTOR {year} names its files; expected {layout.expected}; "
            f"see docs/datasets/hecktor{year}.md"
        )
    boxes, problems = _find_boxes(root) if layout.structures == GTVT else ({}, [])
    studies: list[Study] = []
    phantom = is_phantom(root)
    for case_id, files in found.items():
        own_part = "test" if any(_is_test(path, root) for path in _all(files)) else "train"
        if part not in (own_part, "all"):
            continue
        problem = _problem(case_id, files, layout, own_part)
        if problem:
            problems.append(Failure(case_id, problem))
            continue
        images = {modality: paths[0] for modality, paths in files.images.items()}
        masks = {name: (files.masks[0], value) for name, value in layout.structures.items()} if files.masks else {}
        centre = centre_of(case_id)
        studies.append(Study(case_id, images, masks, centre, boxes.get(case_id), own_part, phantom))
    return Findings.of(studies, problems)


def centre_of(case_id: str) -> str:
    """The hospital in a HECKTOR name: ``CHUS101`` and ``CHUS-101`` are both from CHUS."""
    matched = re.match(r"[A-Za-z]+", case_id)
    return matched.group() if matched else ""


def find_images(root: Path) -> dict[str, dict[str, Path]]:
    """Case names to ``ct`` and ``pt`` files, whatever year's naming they follow; masks and other files are passed over.

    Raises:
        ValueError: a patient has two files of one modality.
    """
    pairs: dict[str, dict[str, Path]] = {}
    for path in _nifti_files(root):
        named = _image_name(_stem(path), "__") or _image_name(_stem(path), "_")
        if named is None:
            continue
        case_id, modality = named
        previous = pairs.setdefault(case_id, {}).setdefault(modality, path)
        if previous != path:
            raise ValueError(f"{case_id} has two {modality.upper()} files, {previous} and {path}; keep one of them")
    return pairs


def _collect(root: Path, layout: Layout) -> dict[str, _Files]:
    """Images first, so that a mask is only taken for a mask where its patient has an image or its name can be no
    other."""
    found: dict[str, _Files] = {}
    others: list[Path] = []
    for path in _nifti_files(root):
        named = _image_name(_stem(path), layout.separator)
        if named is None:
            others.append(path)
        else:
            found.setdefault(named[0], _Files()).images[named[1]].append(path)
    if root.name.lower().startswith("image"):
        others += [path for labels in root.parent.glob("[Ll]abel*") for path in _nifti_files(labels)]
    for path in others:
        case_id = _masked_case(path, layout, set(found))
        if case_id is not None:
            found.setdefault(case_id, _Files()).masks.append(path)
    return found


def _masked_case(path: Path, layout: Layout, case_ids: set[str]) -> str | None:
    """The patient whose mask this file is, or None; a mask without any image counts where only a mask can have its
    name."""
    stem = _stem(path)
    endings = [pattern.format("") for pattern in layout.masks]
    candidates = [stem[: len(stem) - len(ending)] for ending in endings if stem.lower().endswith(ending)]
    with_images = [case_id for case_id in candidates if case_id in case_ids]
    if with_images:
        return with_images[0]
    only_a_mask = path.parent.name.lower().startswith("label") or "" not in endings
    return min(candidates, key=len) if candidates and only_a_mask else None


def _problem(case_id: str, files: _Files, layout: Layout, part: str) -> str | None:
    """Why these files make no study, or None."""
    kinds = {"CT": files.images["ct"], "PET": files.images["pt"], "mask": files.masks}
    doubles = [
        f"{len(paths)} {kind} files ({', '.join(map(str, paths))})" for kind, paths in kinds.items() if len(paths) > 1
    ]
    if doubles:
        return f"found {'; '.join(doubles)} where one was expected; remove the others from data.root"
    needed = ("CT", "PET", "mask") if part == "train" else ("CT", "PET")
    missing = [kind for kind in needed if not kinds[kind]]
    if missing:
        folder = next(iter(_all(files))).parent
        names = {
            "CT": f"{case_id}{layout.separator}ct.nii.gz",
            "PET": f"{case_id}{layout.separator}pt.nii.gz",
            "mask": f"{layout.masks[0].format(case_id)}.nii.gz",
        }
        wanted = ", ".join(f"{kind} ({names[kind]})" for kind in missing)
        return f"{folder} has no {wanted} for this patient; add it, or remove the patient's other files"
    if not usable_case_id(case_id):
        file = next(iter(_all(files)))
        return f"{file}: the name {case_id!r} has signs other than letters, digits, '.', '_' and '-'; rename it"
    return None


def _find_boxes(root: Path) -> tuple[dict[str, BoxMm], list[Failure]]:
    """Every ``*bbox*.csv`` below the root; where there is none, those beside it and beside its parent."""
    tables = sorted(path for path in walk_files(root) if path.match("*bbox*.csv"))
    for folder in (root.resolve().parent, root.resolve().parent.parent):
        tables = tables or sorted(folder.glob("*bbox*.csv"))
    boxes: dict[str, BoxMm] = {}
    problems = []
    for table in tables:
        try:
            boxes.update(read_boxes(table))
        except ValueError as error:
            problems.append(Failure("", str(error)))
    return boxes, problems


def _nifti_files(root: Path) -> Iterator[Path]:
    """Every .nii and .nii.gz below the root in name order; of a 2025 download only Task 1, which has the masks."""
    paths = sorted(path for path in walk_files(root) if _stem(path))
    tasks = {path: _task(path, root) for path in paths}
    first_only = "1" in tasks.values()
    return (path for path in paths if not first_only or tasks[path] in ("1", None))


def walk_files(root: Path) -> Iterator[Path]:
    """Files below the root, through linked folders too (each once), hidden ones left out."""
    seen: set[Path] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        real = Path(folder).resolve()
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        yield from (Path(folder) / name for name in names if not name.startswith("."))


def _task(path: Path, root: Path) -> str | None:
    matches = [TASK_FOLDER.search(name) for name in path.relative_to(root).parts[:-1]]
    return next((match.group(1) for match in matches if match), None)


def _stem(path: Path) -> str:
    """File name without .nii or .nii.gz; empty for any other file."""
    for ending in (".nii.gz", ".nii"):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return ""


def _image_name(stem: str, separator: str) -> tuple[str, str] | None:
    """``CHUM-001__CT`` to (``CHUM-001``, ``ct``); None for what is no CT or PET."""
    case_id, found, kind = stem.rpartition(separator)
    modality = {"ct": "ct", "pt": "pt", "pet": "pt"}.get(kind.lower())
    return (case_id, modality) if found and case_id and modality else None


def _is_test(path: Path, root: Path) -> bool:
    """Folders below the root say it, and the root and its parent where they are a HECKTOR folder themselves."""
    above = root.resolve()
    inside = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return any(map(TEST_FOLDER.search, inside)) or any(map(TEST_ROOT.match, (above.name, above.parent.name)))


def _all(files: _Files) -> Iterator[Path]:
    return (path for paths in (files.images["ct"], files.images["pt"], files.masks) for path in paths)
