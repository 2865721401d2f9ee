"""A prepared data set in the layout of nnU-Net v2, so that anybody can run it on the same images and folds.

nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z) reads ``nnUNet_raw/Dataset501_NAME`` and
``nnUNet_preprocessed/Dataset501_NAME/splits_final.json``. It gets what hnseg's networks get before normalisation and
normalises by itself: a channel named CT by percentiles of all patients' foreground, any other by its own mean and
deviation.

In ``splits_final.json`` a fold's ``val`` are the patients whom hnseg leaves out and tests on, and ``train`` all others:
nnU-Net predicts its ``val`` patients when a fold is trained, so these predictions stand beside hnseg's out-of-fold
ones. It chooses no epoch by them (the last is kept), and needs no inner validation patients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.io import DiskFullError, write_json
from hnseg.io.phantom_marker import MARKER
from hnseg.prepare.case import Case
from hnseg.prepare.findings import Failure
from hnseg.prepare.nnunet_case import case_files, write_nnunet_case
from hnseg.prepare.nnunet_folder import RESERVED, Folds, NnunetFolder, claim, description, write_splits
from hnseg.prepare.pool import run_all, worker_count

Task = tuple[Case, Path, str]
Outcome = tuple[str, bool, str]
"""Case, whether it was written now, and what was wrong with it."""


@dataclass(frozen=True)
class NnunetExport:
    """What was done: patients written now, patients that were there, and patients that were set aside."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    failures: tuple[Failure, ...]


def export_nnunet(
    folder: NnunetFolder,
    train: Sequence[Case],
    test: Sequence[Case],
    folds: Folds,
    *,
    overwrite: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> NnunetExport:
    """Write images, labels, ``dataset.json`` and ``splits_final.json``; what is there and up to date stays.

    ``dataset.json`` comes last, so that a killed export is not mistaken for a whole one; the same call goes on with it.

    Args:
        folder: where to write.
        train: cases with labels, all that the folds name.
        test: the data set's own test patients; their images go to ``imagesTs``, their labels nowhere.
        folds: nnU-Net numbers them 0, 1, ... in this order.
        overwrite: throw away what an earlier export left.
        workers: processes; as many as this process may use cores if not given.
        progress: whether to show a bar.

    Raises:
        ValueError: the number is taken by another data set, patients or folds of another export are there, a structure
            has a name that nnU-Net keeps for itself, or a fold has nobody left.
        DiskFullError: no room.
    """
    if taken := sorted(set(train[0].label_names) & set(RESERVED)):
        raise ValueError(f"label_names: nnU-Net keeps the name {taken[0]!r} for itself; call the structure otherwise")
    raw = folder.below("raw")
    tasks = [(case, raw, "Tr") for case in train] + [(case, raw, "Ts") for case in test]
    files = {task[0].case_id: case_files(*task) for task in tasks}
    claim(folder, {path for of_case in files.values() for path in of_case}, overwrite)
    if any(case.phantom for case, _, _ in tasks):
        for part in ("raw", "preprocessed", "results"):  # what nnU-Net predicts lies below results
            write_json(folder.below(part) / MARKER, {"what": "made from hnseg's phantom, not from patients"})
    done: dict[str, bool] = {}
    failures = []
    for case_id, written, message in _write_all(tasks, workers, progress):
        if not message:
            done[case_id] = written
            continue
        failures.append(Failure(case_id, message))
        for path in files[case_id]:
            path.unlink(missing_ok=True)  # nnU-Net wants as many images as labels
    write_splits(folder, folds, set(done), overwrite)
    usable = [case for case in train if case.case_id in done]
    write_json(raw / "dataset.json", description(folder, usable, list(folds)))
    return NnunetExport(
        tuple(sorted(case_id for case_id, written in done.items() if written)),
        tuple(sorted(case_id for case_id, written in done.items() if not written)),
        tuple(sorted(failures, key=lambda failure: failure.case_id)),
    )


def _write_all(tasks: Sequence[Task], workers: int | None, progress: bool) -> Iterator[Outcome]:
    columns = (TextColumn("export"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        number = bar.add_task("export", total=len(tasks))
        for outcome in run_all(_attempt, tasks, worker_count(workers, len(tasks)), _killed):
            bar.advance(number)
            yield outcome


def _attempt(case: Case, raw: Path, part: str) -> Outcome:
    try:
        return case.case_id, write_nnunet_case(case, raw, part), ""
    except DiskFullError:
        raise
    except (ValueError, OSError) as error:
        return case.case_id, False, str(error)


def _killed(task: tuple[Any, ...]) -> Outcome:
    return task[0].case_id, False, "its process was killed twice, most likely for want of memory; use fewer workers"
