"""The cache of prepared cases: parallel, resumable, and whole at every moment."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.io.atomic import atomic_path
from hnseg.io.errors import DiskFullError
from hnseg.prepare.case import CASE_FILE, Case, write_case
from hnseg.prepare.findings import Failure
from hnseg.prepare.lock import locked
from hnseg.prepare.pool import run_all, worker_count
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study
from hnseg.types import Study

FAILURES_FILE = "failures.json"
LEFTOVER = re.compile(r"\..+\.(\d+)\.tmp")
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
BYTES_PER_VOXEL = {"ct": 2, "pt": 2}


@dataclass(frozen=True)
class Cohort:
    """What preparing a cohort left.

    Attributes:
        cases: prepared cases, sorted by name.
        failures: patients that were set aside.
        key: hash of the recipe and of every case's key, failures left out.
        folder: where the cases lie.
        prepared: how many were prepared by this call; the other cases were there.
    """

    cases: tuple[Case, ...]
    failures: tuple[Failure, ...]
    key: str
    folder: Path
    prepared: int

    def summary(self) -> str:
        """One line for the terminal, and one for each patient that was set aside."""
        there = len(self.cases) - self.prepared
        done = (
            f"{self.prepared} cases prepared, {there} were there"
            if self.prepared
            else f"all {there} cases were there, nothing to do"
        )
        lines = [f"{done} ({self.folder})"]
        if self.failures:
            lines.append(f"{len(self.failures)} patients were set aside:")
            lines += [f"  {failure}" for failure in self.failures]
        return "\n".join(lines)


def prepare_cohort(
    studies: Sequence[Study],
    recipe: Recipe,
    cache_root: Path,
    name: str = "cohort",
    workers: int | None = None,
    progress: bool = True,
) -> Cohort:
    """Prepares every study that is not in the cache yet, as ``<cache_root>/<name>-<recipe hash>/<case_id>/``.

    A case is whole or not there: it is written to a temporary folder and renamed. Killed half-way, the next call
    goes on where this one was; another process that prepares the same cohort waits. A study that cannot be
    prepared is set aside and written to ``failures.json``.

    Args:
        studies: with different names.
        recipe: how.
        cache_root: made where absent.
        name: of the data set.
        workers: processes; as many as this process may use cores if not given. 1 stays in this process.
        progress: whether to show a progress bar and a summary on the terminal.

    Raises:
        ValueError: two studies have the same name.
        DiskFullError: there is no room for the cases.
    """
    _refuse_same_names(studies)
    folder = cache_root / f"{name}-{recipe.hash()}"
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True, quiet=not progress)
    with locked(folder / ".lock", f"prepares {folder}", console):
        _remove_leftovers(folder)
        _write_json(folder / "recipe.json", recipe.to_dict())
        keys, failures = _keys(studies, recipe)
        todo = [
            study
            for study in studies
            if study.case_id in keys and _key_of(folder / study.case_id) != keys[study.case_id]
        ]
        for case_id, message in _prepare_all(todo, recipe, folder, keys, workers, console):
            if message is not None:
                failures.append(Failure(case_id, message))
        failures.sort(key=lambda failure: failure.case_id)
        _write_json(folder / FAILURES_FILE, [asdict(failure) for failure in failures])
        failed = {failure.case_id for failure in failures}
        cases = tuple(Case.open(folder / case_id) for case_id in sorted(keys) if case_id not in failed)
    prepared = sum(study.case_id not in failed for study in todo)
    key = recipe.cohort_key([case.key for case in cases])
    cohort = Cohort(cases, tuple(failures), key, folder, prepared)
    console.print(cohort.summary(), markup=False, highlight=False)
    return cohort


def estimate_bytes(n_cases: int, recipe: Recipe, extent_mm: tuple[float, float, float] | None = None) -> int:
    """Disk space of ``n_cases`` prepared cases, from above; PET that does not fit float16 takes twice as much.

    Args:
        n_cases: how many.
        recipe: its box, or ``extent_mm``; of slices of one size, how many there are follows from its spacing.
        extent_mm: size (z, y, x) of what is kept, where the recipe has no fixed box.

    Raises:
        ValueError: neither the recipe nor ``extent_mm`` says how large a case is.
    """
    size_mm = extent_mm or recipe.full_box_mm
    if size_mm is None:
        raise ValueError("the recipe has no full box_size_mm; give extent_mm to estimate the cache's size")
    z, y, x = (round(size / step) for size, step in zip(size_mm, recipe.spacing_mm, strict=True))
    return n_cases * case_bytes((z, *(recipe.slice_size_yx or (y, x))), recipe)


def case_bytes(shape_zyx: tuple[int, int, int], recipe: Recipe) -> int:
    """Disk space of one prepared case of this size, from above as far as PET fits float16."""
    per_voxel = sum(BYTES_PER_VOXEL.get(name, 4) for name in recipe.modalities) + 1
    return math.prod(shape_zyx) * per_voxel + 16_384


Outcome = tuple[str, str | None, int]
"""Case, what was wrong with it, and where the disk was full the bytes that it needed."""


def _prepare_all(
    todo: Sequence[Study], recipe: Recipe, folder: Path, keys: Mapping[str, str], workers: int | None, console: Console
) -> Iterator[tuple[str, str | None]]:
    """(case, None) or (case, what was wrong) as each is done."""
    columns = (TextColumn("preparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=console.quiet or not todo) as bar:
        task = bar.add_task("preparing", total=len(todo))
        tasks = [(study, recipe, folder, keys[study.case_id]) for study in todo]
        outcomes = run_all(_attempt, tasks, worker_count(workers, len(tasks)), _killed)
        for done, (case_id, message, no_room_for) in enumerate(outcomes):
            if no_room_for:
                raise _disk_full(folder, (len(todo) - done) * no_room_for)
            bar.advance(task)
            yield case_id, message


def _attempt(study: Study, recipe: Recipe, folder: Path, key: str) -> Outcome:
    """Prepares and writes one study."""
    temporary = folder / f".{study.case_id}.{os.getpid()}.tmp"
    needed = 1
    try:
        ready = prepare_study(study, recipe, key)
        needed = ready.nbytes
        temporary.mkdir(exist_ok=True)
        write_case(temporary, ready.case, ready.images, ready.label, ready.truth)
        _put(temporary, folder / study.case_id, key)
    except OSError as error:
        if error.errno in NO_ROOM:
            return study.case_id, None, needed
        return study.case_id, f"{error.filename}: {error.strerror or error}; check the file and its folder", 0
    except ValueError as error:
        return study.case_id, str(error), 0
    except MemoryError:
        return study.case_id, "there is not enough memory for this patient; use fewer workers or a box", 0
    except Exception as error:  # one patient's surprise must not stop the others
        sources = ", ".join(map(str, study.images.values()))
        return study.case_id, f"{sources}: {type(error).__name__}: {error}; please report this", 0
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return study.case_id, None, 0


def _killed(task: tuple[Any, ...]) -> Outcome:
    return (
        task[0].case_id,
        "its process was killed twice, most likely for want of memory; use fewer workers or a box",
        0,
    )


def _put(temporary: Path, final: Path, key: str) -> None:
    """Renames a whole case into its place; one of an older key makes way first."""
    if _key_of(final) == key:
        return
    if final.exists():
        old = temporary.with_name(f".{final.name}.old.{os.getpid()}.tmp")
        final.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    temporary.rename(final)


def _disk_full(folder: Path, needed_bytes: int) -> DiskFullError:
    return DiskFullError(
        f"no room left in {folder}: the cases still to come need about {needed_bytes} bytes "
        f"({needed_bytes / 1e9:.2f} GB) and {shutil.disk_usage(folder).free} are free; make room or choose another "
        "cache folder and start again, finished cases are kept"
    )


def _keys(studies: Sequence[Study], recipe: Recipe) -> tuple[dict[str, str], list[Failure]]:
    """Key of every study whose files are all there, and the others."""
    keys, failures = {}, []
    for study in studies:
        try:
            keys[study.case_id] = recipe.key(study)
        except OSError as error:
            failures.append(
                Failure(study.case_id, f"{error.filename}: {error.strerror}; bring the file back or drop the patient")
            )
    return keys, failures


def _key_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / CASE_FILE).read_text())["key"])
    except (OSError, ValueError, KeyError):
        return None


def _remove_leftovers(folder: Path) -> None:
    """Temporary folders of processes that are no more; the lock is held, so no other run is at work here."""
    for path in folder.iterdir():
        matched = LEFTOVER.fullmatch(path.name)
        if matched and not _is_alive(int(matched.group(1))):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _refuse_same_names(studies: Sequence[Study]) -> None:
    names = [study.case_id for study in studies]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ValueError(f"several studies are called {double[:5]}; give every patient a name of its own")


def _write_json(path: Path, plain: Any) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plain, indent=1))
