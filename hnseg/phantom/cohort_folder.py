"""Fills a folder with phantom patients: claims it, and goes on where a call before was killed."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import hnseg
from hnseg.io.atomic import atomic_path
from hnseg.io.phantom_marker import MARKER
from hnseg.phantom.outcome import Law

Progress = Callable[[int, int], None]
WHAT = "Written by hnseg's phantom: computed shapes, not patients. Nothing here may be reported as a clinical result."


class Job(Protocol):
    """One patient to be written, by whichever process."""

    @property
    def done(self) -> bool:
        """Whether all files are there."""
        ...

    def write(self) -> None:
        """Write those that are missing."""
        ...


@dataclass(frozen=True)
class Cohort:
    """What the marker says of a folder: a folder holds one of these and no other.

    A setting that came later is in the marker only where it is not what it was before, so older folders stay valid.
    """

    layout: str
    seed: int
    patients: int
    test_patients: int
    coarse: float
    outcome: Law = "hazard"

    @property
    def marked(self) -> dict[str, object]:
        """What the marker holds of it."""
        return {key: value for key, value in asdict(self).items() if (key, value) != ("outcome", "hazard")}


def fill(root: Path, cohort: Cohort, jobs: Sequence[Job], workers: int, progress: Progress | bool) -> None:
    """Put the marker down, then write the patients that are not done.

    Args:
        root: made where missing.
        cohort: what the folder is to hold.
        jobs: its patients.
        workers: processes that write them.
        progress: True for a bar on the terminal, or a function that is given (patients written, all patients).

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number that cannot be.
        DiskFullError: no room left.
    """
    if cohort.coarse <= 0 or workers < 1 or cohort.seed < 0:
        raise ValueError(
            f"coarse must be above 0, workers at least 1, seed at least 0; got {cohort.coarse}, {workers}, "
            f"{cohort.seed}"
        )
    _claim(root, {"what": WHAT, "hnseg": hnseg.__version__, **cohort.marked})
    waiting = [job for job in jobs if not job.done]
    written = len(jobs) - len(waiting)
    with _reporter(progress, len(jobs), written) as tell:
        for _ in _run(waiting, workers):
            written += 1
            tell(written, len(jobs))


def _claim(root: Path, wanted: dict[str, object]) -> None:
    marker = root / MARKER
    if marker.is_file():
        found = json.loads(marker.read_text(encoding="utf-8"))
        if found != wanted:
            differs = ", ".join(k for k in sorted({*wanted, *found}) if found.get(k) != wanted.get(k))
            raise ValueError(
                f"{marker}: this folder holds another phantom (different: {differs}); "
                f"choose another folder (data.root=DIR, or output=DIR of hnseg phantom) or delete this one"
            )
        return
    if root.is_dir() and any(root.iterdir()):
        raise ValueError(
            f"{root}: not empty and not a phantom; a phantom needs a folder of its own, choose another one"
        )
    with atomic_path(marker) as part:
        part.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _reporter(progress: Progress | bool, total: int, written: int) -> Iterator[Progress]:
    if callable(progress):
        yield progress
        return
    from rich.progress import Progress as Bar  # slow to import, and not needed without a terminal

    with Bar(disable=not progress) as bar:
        task = bar.add_task("phantom patients", total=total, completed=written)
        yield lambda done, _total: bar.update(task, completed=done)


def _run(jobs: Sequence[Job], workers: int) -> Iterator[None]:
    if workers == 1 or len(jobs) < 2:
        yield from map(_write, jobs)
        return
    # spawn: the caller may hold threads (torch, Hydra), which a forked process would inherit half-way
    with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_write, job) for job in jobs]):
            yield future.result()


def _write(job: Job) -> None:
    job.write()
