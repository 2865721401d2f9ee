"""Writes phantom cohorts in the raw layouts of HECKTOR 2020, 2021, 2022 and 2025, as downloads unpack."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hnseg
from hnseg.io.atomic import atomic_path
from hnseg.io.phantom_marker import MARKER
from hnseg.phantom.cohort import Member, Year, members
from hnseg.phantom.dose import planned_dose
from hnseg.phantom.layouts import LAYOUTS, Content
from hnseg.phantom.nifti import write_phantom_nifti
from hnseg.phantom.patient import PhantomPatient
from hnseg.phantom.tables import write_table
from hnseg.types import Volume

Progress = Callable[[int, int], None]
WHAT = "Written by hnseg's phantom: computed shapes, not patients. Nothing here may be reported as a clinical result."


@dataclass(frozen=True)
class _Job:
    """One patient to be written."""

    root: Path
    year: Year
    seed: int
    coarse: float
    member: Member
    number: int
    train: bool

    @property
    def files(self) -> dict[Path, Content]:
        relative = LAYOUTS[self.year].files(self.member.case_id, self.number, self.train)
        return {self.root / path: content for path, content in relative.items()}

    @property
    def done(self) -> bool:
        return all(path.is_file() for path in self.files)


def write_hecktor(
    root: Path,
    year: Year,
    patients: int,
    seed: int,
    test_patients: int = 0,
    coarse: float = 1.0,
    workers: int = 1,
    progress: Progress | bool = False,
) -> Path:
    """Write a phantom cohort as HECKTOR ``year`` would lie on disk after unpacking.

    Files appear whole or not at all, and those that are there are kept: a call that was killed goes on where it was,
    and a call that finished does nothing the second time. The marker `MARKER` is written first.

    Args:
        root: folder to fill; made where missing.
        year: edition.
        patients, test_patients: of the training and the testing part (2025 has none).
        seed: of the cohort.
        coarse: multiplies every voxel size; 1 is about 2 x 2 x 3 mm for CT and 4 mm for PET.
        workers: processes that write patients.
        progress: True for a bar on the terminal, or a function that is given (patients written, all patients).

    Returns:
        ``root``.

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number that cannot be.
        DiskFullError: no room left.
    """
    root = Path(root)
    train, test = members(year, patients, test_patients)
    if coarse <= 0 or workers < 1 or seed < 0:
        raise ValueError(
            f"coarse must be above 0, workers at least 1, seed at least 0; got {coarse}, {workers}, {seed}"
        )
    _claim(
        root,
        {
            "layout": f"hecktor{year}",
            "seed": seed,
            "patients": patients,
            "test_patients": test_patients,
            "coarse": coarse,
        },
    )
    jobs = [_Job(root, year, seed, coarse, m, i, True) for i, m in enumerate(train)]
    jobs += [_Job(root, year, seed, coarse, m, i, False) for i, m in enumerate(test)]
    _write_patients(jobs, workers, progress)
    _write_tables(root, year, jobs)
    return root


def _claim(root: Path, parameters: dict[str, object]) -> None:
    """Put the marker down, or compare with the one that is there."""
    marker = root / MARKER
    wanted = {
        "what": WHAT,
        "hnseg": hnseg.__version__,
        **parameters,
    }
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


def _write_patients(jobs: list[_Job], workers: int, progress: Progress | bool) -> None:
    waiting = [job for job in jobs if not job.done]
    written = len(jobs) - len(waiting)
    with _reporter(progress, len(jobs), written) as tell:
        for _ in _run(waiting, workers):
            written += 1
            tell(written, len(jobs))


@contextmanager
def _reporter(progress: Progress | bool, total: int, written: int) -> Iterator[Progress]:
    if callable(progress):
        yield progress
        return
    from rich.progress import Progress as Bar  # slow to import, and not needed without a terminal

    with Bar(disable=not progress) as bar:
        task = bar.add_task("phantom patients", total=total, completed=written)
        yield lambda done, _total: bar.update(task, completed=done)


def _run(jobs: list[_Job], workers: int) -> Iterator[None]:
    if workers == 1 or len(jobs) < 2:
        yield from map(_write_patient, jobs)
        return
    # spawn: the caller may hold threads (torch, Hydra), which a forked process would inherit half-way
    with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_write_patient, job) for job in jobs]):
            yield future.result()


def _write_patient(job: _Job) -> None:
    """Write those files of a patient that are missing."""
    patient = job.member.make(job.seed, job.coarse)
    for path, content in job.files.items():
        if not path.is_file():
            write_phantom_nifti(_content(patient, content), path)


def _content(patient: PhantomPatient, content: Content) -> Volume:
    if content == "gtvp_gtvn":
        labels = np.where(patient.gtvp.array > 0, 1, 2 * patient.gtvn.array).astype(np.uint8)
        return Volume(labels, patient.ct_grid)
    if content == "dose":
        return planned_dose(patient)
    volume = getattr(patient, content)
    assert isinstance(volume, Volume)
    return volume


def _write_tables(root: Path, year: Year, jobs: list[_Job]) -> None:
    """Tables come last and together: their boxes cost a coarse look at each patient."""
    layout = LAYOUTS[year]
    missing = [table for table in layout.tables if not (root / table.path).is_file()]
    for part in {table.part for table in missing}:
        made = [job.member.make(job.seed, job.coarse) for job in jobs if job.train == (part == "train")]
        known = [(p.plan, p.box if layout.has_boxes else None) for p in made]
        for table in missing:
            if table.part == part and known:
                write_table(root / table.path, [table.row(plan, box) for plan, box in known])
