"""The private table that tells which patient, series or file each name of an import stands for."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hnseg.intake.plan import CasePlan
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.atomic import atomic_path
from hnseg.io.dicom.scan import Scan

COLUMNS = ("kind", "name", "patient_id", "path")
IMAGES = ("CT", "PT")


def refuse_private(path: Path, *folders: Path) -> None:
    """What tells who is who must not lie where cases are passed on from, nor among the files that are only read.

    Raises:
        ValueError: ``path`` lies in one of the folders, or is one.
    """
    for folder in folders:
        if Path(path).resolve().is_relative_to(Path(folder).resolve()):
            raise ValueError(f"{path} tells who is who and lies inside {folder}; keep it somewhere else")


def write_links(path: Path, cases: Iterable[CasePlan], found: Scan, pseudonyms: Pseudonyms) -> None:
    """Write a CSV ``kind,name,patient_id,path``, whole or not at all, that only its owner can read.

    Kinds: ``case``; ``series`` and ``object`` (a structure set, ...), with the path of their first file; ``file``,
    which is none of DICOM. The lines of a patient whose id is empty have an empty one, too.

    Args:
        path: where to; see `refuse_private`.
        cases: those that were planned.
        found: all files.
        pseudonyms: what the names were made with.
    """
    with atomic_path(Path(path)) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="", errors="surrogateescape") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(_rows(cases, found, pseudonyms))


def _rows(cases: Iterable[CasePlan], found: Scan, pseudonyms: Pseudonyms) -> Iterator[tuple[str, str, str, str]]:
    for case in cases:
        yield "case", case.case_id, case.tags[0].patient_id, str(case.anchor.files[0].path)
    told = set()
    for header in found.headers:
        kinds = {"series": header.series_uid} | ({} if header.modality in IMAGES else {"object": header.sop_uid})
        for kind, uid in kinds.items():
            if (kind, uid) not in told:
                told.add((kind, uid))
                yield kind, pseudonyms.token(uid), header.patient.patient_id, str(header.path)
    for path, _ in found.skipped:
        yield "file", pseudonyms.token(str(path)), "", str(path)
