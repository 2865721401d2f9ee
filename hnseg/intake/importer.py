"""A folder of DICOM files into a folder of cases that `data=table` reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg.intake.carry_out import MODALITIES, Carried, Settings, carry_out, files_of, preview
from hnseg.intake.patients import plan_cases
from hnseg.intake.plan import CasePlan, Plan, Skipped, Unit
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io import DiskFullError, write_json, write_rows
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.scan import Scan, scan
from hnseg.io.phantom_marker import MARKER, is_phantom

TABLE = "cases.csv"
SKIPPED = "skipped.csv"
RECORD = "import.json"
RESERVED = (TABLE, SKIPPED, RECORD, MARKER.casefold(), "import.html")

Tell = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Imported:
    """What an import came to.

    Attributes:
        found: all files that were looked at.
        plan: what they were going to be.
        made: cases that are there, each with what became of it.
        skipped: everything that is part of no case, the cases that failed on the way included.
        record: what ``import.json`` holds; names nobody.
    """

    found: Scan
    plan: Plan
    made: tuple[tuple[CasePlan, Carried], ...]
    skipped: tuple[Skipped, ...]
    record: dict[str, Any]


def import_folder(
    dicom: Path,
    output: Path | None,
    pseudonyms: Pseudonyms,
    settings: Settings,
    unit: Unit = "patient",
    workers: int = 2,
    tell: Tell | None = None,
) -> Imported:
    """Find the cases in a tree of DICOM files and write them.

    Writes ``CASE/ct.nii.gz`` (HU), ``CASE/pt.nii.gz`` (SUVbw), ``CASE/structures/NAME.nii.gz`` (0 and 1 on the grid of
    the CT, of the PET where there is no CT), ``cases.csv`` for `hnseg.prepare.table`, ``skipped.csv`` and
    ``import.json``. Cases of an earlier import of the same files are kept; one that fails does not stop the others.

    Args:
        dicom: any tree; read only.
        output: where to; None only looks, reads no pixel and writes nothing.
        pseudonyms: what patients are called.
        settings: which structures, other spellings of them, limits.
        unit: whether a patient or a study becomes a case.
        workers: cases, and processes that decode, at a time.
        tell: for a progress bar.

    Raises:
        ValueError: ``dicom`` is no folder, or holds no file at all; ``output`` lies inside it, or holds a phantom's
            cases and these are patients', or the other way round.
        DiskFullError: no room left; the cases that are done are kept.
    """
    began = time.monotonic()
    refuse_folders(dicom, output)
    tell = tell or _silent
    found = scan(dicom, settings.limits, workers, lambda done, total: tell("files", done, total))
    if not found.headers and not found.skipped:
        raise ValueError(f"{dicom} holds no files; give the folder that the scanner or the archive exported")
    plan = plan_cases(found, pseudonyms, unit, settings.limits)
    _refuse_names(plan)
    phantom = is_phantom(dicom) or any(case.phantom for case in plan.cases)
    if output is not None:
        _refuse_other_marks(output, phantom)
        if phantom:
            write_json(output / MARKER, {"what": "Imported from DICOM files of a phantom. Not patients."})
    made, failed = _carry_out_all(plan, output, pseudonyms, settings, workers, tell)
    skipped = (*plan.skipped, *failed, *(one for _, carried in made for one in carried.skipped))
    record = {
        "phantom": phantom,
        "dry_run": output is None,
        "files": plan.files,
        "seconds": round(time.monotonic() - began, 1),
        "counts": _counts(made),
        "not_found": sorted(set(settings.structures) - {one["name"] for _, c in made for one in c.entry["structures"]}),
        "cases": [carried.entry for _, carried in made],
        "skipped": [_plain(one) for one in skipped],
    }
    if output is not None:
        _write_tables(output, made, skipped, record)
    return Imported(found, plan, tuple(made), skipped, record)


def _carry_out_all(
    plan: Plan, output: Path | None, pseudonyms: Pseudonyms, settings: Settings, workers: int, tell: Tell
) -> tuple[list[tuple[CasePlan, Carried]], list[Skipped]]:
    """(cases that came out, in the order of the plan; those that did not)."""

    def work(case: CasePlan) -> Carried:
        return preview(case, settings, pseudonyms) if output is None else carry_out(case, output, settings, pseudonyms)

    results: dict[str, Carried] = {}
    failed = []
    # threads: decoding runs in processes of its own, and what is left waits for disks and compression
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        futures = {pool.submit(work, case): case for case in plan.cases}
        for count, future in enumerate(as_completed(futures), start=1):
            case = futures[future]
            try:
                results[case.case_id] = future.result()
            except DiskFullError:
                raise
            except Exception as error:  # one patient's trouble, whatever it is, must not cost the others theirs
                failed.append(_failed(case, error, pseudonyms))
            tell("cases", count, len(futures))
    finally:
        pool.shutdown(cancel_futures=True)
    return [(case, results[case.case_id]) for case in plan.cases if case.case_id in results], failed


def _failed(case: CasePlan, error: Exception, pseudonyms: Pseudonyms) -> Skipped:
    anchor = case.anchor
    token, modality = pseudonyms.token(anchor.series_uid), anchor.modality.upper()
    if isinstance(error, RefusedDicomError):
        reason, message = error.reason, error.message
    else:  # what it says may hold a path
        reason = "failed"
        message = (
            f"{type(error).__name__} while the case was read or written; check that the files are still there and the "
            "folder can be written to, and import again"
        )
    return Skipped(token, "series", modality, len(anchor.files), reason, message, case.case_id)


def _write_tables(
    output: Path, made: Sequence[tuple[CasePlan, Carried]], skipped: Iterable[Skipped], record: dict[str, Any]
) -> None:
    entries = [carried.entry for _, carried in made]
    structures = sorted({one["name"] for entry in entries for one in entry["structures"]})
    columns = ["case", "patient", "centre", "split", *MODALITIES, *structures]
    rows = [
        {"case": entry["case"], "patient": entry["patient"], "centre": entry["centre"], "split": entry["part"]}
        | files_of(entry)
        for entry in entries
    ]
    write_rows(output / TABLE, rows, columns)
    write_rows(output / SKIPPED, [_plain(one) for one in skipped], list(_plain(_EXAMPLE)))
    write_json(output / RECORD, record)


def _counts(made: Sequence[tuple[CasePlan, Carried]]) -> dict[str, int]:
    entries = [carried.entry for _, carried in made]
    return {
        "cases": len(entries),
        "patients": len({entry["patient"] for entry in entries}),
        "ct": sum(bool(entry["ct"]) for entry in entries),
        "pt": sum(bool(entry["pt"]) for entry in entries),
        "structures": sum(len(entry["structures"]) for entry in entries),
        "kept": sum(carried.kept for _, carried in made),
    }


def _plain(one: Skipped) -> dict[str, Any]:
    plain = dict(vars(one))
    plain["case"] = plain.pop("case_id")
    return plain


_EXAMPLE = Skipped("", "file", "", 0, "", "")


def _refuse_names(plan: Plan) -> None:
    """A user's own names become folders beside the tables."""
    taken = sorted(case.case_id for case in plan.cases if case.case_id.casefold() in RESERVED)
    if taken:
        raise ValueError(f"the mapping calls a case {taken[0]}, which is the name of a file here; give it another name")


def _refuse_other_marks(output: Path, phantom: bool) -> None:
    """One mark is on all cases of a folder."""
    if (output / RECORD).is_file() and is_phantom(output) != phantom:
        held, brought = ("a phantom's", "patients'") if not phantom else ("patients'", "a phantom's")
        raise ValueError(f"{output} holds {held} cases and these are {brought}; choose a folder of its own for them")


def refuse_folders(dicom: Path, output: Path | None) -> None:
    """Raises ValueError where there is nothing to read, or what is only read would be written to."""
    if not dicom.is_dir():
        raise ValueError(f"{dicom} is no folder; give the folder that the scanner or the archive exported")
    if output is not None and output.resolve().is_relative_to(dicom.resolve()):
        raise ValueError(f"{output} lies inside {dicom}, which is only read; choose a folder beside it")


def _silent(_what: str, _done: int, _total: int) -> None:
    pass
