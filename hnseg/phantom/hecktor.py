"""Writes phantom cohorts in the raw layouts of HECKTOR 2020, 2021, 2022 and 2025, as downloads unpack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from hnseg.phantom.cohort import Member, Year, members
from hnseg.phantom.cohort_folder import Cohort, Progress, fill
from hnseg.phantom.dose import planned_dose
from hnseg.phantom.hazards import HAZARDS, write_hazards
from hnseg.phantom.layouts import LAYOUTS, Content
from hnseg.phantom.nifti import write_phantom_nifti
from hnseg.phantom.outcome import Law
from hnseg.phantom.patient import PhantomPatient
from hnseg.phantom.plan import PatientPlan, null_outcome
from hnseg.phantom.tables import write_table
from hnseg.types import Volume


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

    def write(self) -> None:
        """Write those files that are missing."""
        patient = self.member.make(self.seed, self.coarse)
        for path, content in self.files.items():
            if not path.is_file():
                write_phantom_nifti(_content(patient, content), path)


def write_hecktor(
    root: Path,
    year: Year,
    patients: int,
    seed: int,
    test_patients: int = 0,
    coarse: float = 1.0,
    workers: int = 1,
    progress: Progress | bool = False,
    outcome: Law | None = "hazard",
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
        outcome: ``null`` has progression depend on nothing (`hnseg.phantom.outcome`); None means the same, because YAML
            takes an unquoted null for it.

    Returns:
        ``root``.

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number or an outcome that cannot
            be.
        DiskFullError: no room left.
    """
    root, law = Path(root), outcome or "null"
    if law not in get_args(Law) or (law == "null" and year == 2020):
        raise ValueError(f"outcome of a phantom is hazard or null, and HECKTOR 2020 has none; got {law} and {year}")
    train, test = members(year, patients, test_patients)
    jobs = [_Job(root, year, seed, coarse, m, i, True) for i, m in enumerate(train)]
    jobs += [_Job(root, year, seed, coarse, m, i, False) for i, m in enumerate(test)]
    fill(root, Cohort(f"hecktor{year}", seed, patients, test_patients, coarse, law), jobs, workers, progress)
    _write_tables(root, year, jobs, law)
    return root


def _content(patient: PhantomPatient, content: Content) -> Volume:
    if content == "gtvp_gtvn":
        labels = np.where(patient.gtvp.array > 0, 1, 2 * patient.gtvn.array).astype(np.uint8)
        return Volume(labels, patient.ct_grid)
    if content == "dose":
        return planned_dose(patient)
    volume = getattr(patient, content)
    assert isinstance(volume, Volume)
    return volume


def _write_tables(root: Path, year: Year, jobs: list[_Job], law: Law) -> None:
    """Tables come last and together: their boxes cost a coarse look at each patient."""
    layout = LAYOUTS[year]
    drawn = null_outcome if law == "null" else _as_planned
    if layout.has_outcome and not (root / HAZARDS).is_file():
        write_hazards(root, [drawn(job.member.plan(job.seed)) for job in jobs])
    missing = [table for table in layout.tables if not (root / table.path).is_file()]
    for part in {table.part for table in missing}:
        made = [job.member.make(job.seed, job.coarse) for job in jobs if job.train == (part == "train")]
        known = [(drawn(p.plan), p.box if layout.has_boxes else None) for p in made]
        for table in missing:
            if table.part == part and known:
                write_table(root / table.path, [table.row(plan, box) for plan, box in known])


def _as_planned(plan: PatientPlan) -> PatientPlan:
    return plan
