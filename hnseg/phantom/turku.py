"""Writes phantom cohorts as the PET of the Turku study lies on disk: one PET and one mask a patient, irregular names.

    positiiviset/9_anon/9_nifti_pet/9_nifti_pet.img      PET, with its .hdr; patients below 23
                 9_anon/9_maski/9_maski.img              mask
                 40/40_nifti_pet/40_nifti_pet.img        PET of patients from 23 on
                 40/40_nifti_maski/40_nifti_maski.img    mask
                 12/12_maskit.img, ...                   four masks lie elsewhere
    cases.csv                                            case, pet, mask: what a user with such names writes

Rainio et al. 2024 (doi:10.1007/s13721-024-00483-0) describe the real data, which are private; the names are those
that their published notebook reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hnseg.phantom.cohort_folder import Cohort, Progress, fill
from hnseg.phantom.nifti import write_phantom_pair
from hnseg.phantom.pet import STEP_SUV
from hnseg.phantom.plan import PatientPlan
from hnseg.phantom.stack import plan_recurrence, stack_grid, stack_mask, stack_pet
from hnseg.phantom.tables import write_table

FOLDER = "positiiviset"
TABLE = "cases.csv"
MOST_PATIENTS = 100

_ODD_MASKS = {
    12: "12/12_maskit.img",
    23: "23/23_maski/23_nifti_maski_edit.img",
    24: "24/24_maski/24_maski.img",
    38: "38/38_nifti_maski/38_nifti_maski_edit.img",
}
_NOBODY = (8, 31, 45, 59, 77, 86, 101)  # numbers that no patient has; which they are is made up
_FIRST_OF_NEW_NAMES = 23


@dataclass(frozen=True)
class _Job:
    """One patient to be written."""

    root: Path
    seed: int
    coarse: float
    place: int

    @property
    def number(self) -> int:
        return patient_number(self.place)

    @property
    def pet(self) -> Path:
        return self.root / FOLDER / pet_path(self.number)

    @property
    def mask(self) -> Path:
        return self.root / FOLDER / mask_path(self.number)

    @property
    def done(self) -> bool:
        return all(_is_there(path) for path in (self.pet, self.mask))

    @property
    def plan(self) -> PatientPlan:
        return plan_recurrence(self.seed, self.place, str(self.number), is_healthy(self.place))

    def write(self) -> None:
        plan = self.plan
        grid = stack_grid(plan, self.coarse)
        if not _is_there(self.pet):
            write_phantom_pair(stack_pet(plan, grid), self.pet, STEP_SUV)
        if not _is_there(self.mask):
            write_phantom_pair(stack_mask(plan, grid), self.mask)


def write_turku(
    root: Path,
    patients: int,
    seed: int,
    test_patients: int = 0,
    coarse: float = 1.0,
    workers: int = 1,
    progress: Progress | bool = False,
) -> Path:
    """Write a phantom cohort as the Turku study lies on disk.

    Files appear whole or not at all, and those that are there are kept: a call that was killed goes on where it was,
    and a call that finished does nothing the second time. The marker `MARKER` is written first, ``cases.csv`` last.
    PET is int16 with a slope to SUV, masks are uint8 0/1, both as NIfTI pairs. One patient in nine has no tumour,
    see `is_healthy`.

    Args:
        root: folder to fill; made where missing.
        patients: 1 to 100, as many as the study has.
        seed: of the cohort.
        test_patients: must be 0: the study is cross-validated and has no testing part.
        coarse: divides the slices' 512 x 512 pixels; 2 gives 256 x 256 over the same field, in as many slices.
        workers: processes that write patients.
        progress: True for a bar on the terminal, or a function that is given (patients written, all patients).

    Returns:
        ``root``.

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number that cannot be.
        DiskFullError: no room left.
    """
    if not 1 <= patients <= MOST_PATIENTS or test_patients:
        raise ValueError(
            f"a phantom of the Turku study has 1 to {MOST_PATIENTS} patients, for whom there are numbers, and no "
            f"testing part; got {patients} and {test_patients}"
        )
    root = Path(root)
    jobs = [_Job(root, seed, coarse, place) for place in range(patients)]
    fill(root, Cohort("turku", seed, patients, test_patients, coarse), jobs, workers, progress)
    if not (root / TABLE).is_file():
        write_table(root / TABLE, [_row(job) for job in sorted(jobs, key=lambda job: job.number)])
    return root


def patient_number(place: int) -> int:
    """Number of the ``place``-th patient, 2 to 108: those whose mask lies elsewhere come early, then all over."""
    scattered = [67 * step % 109 for step in range(1, 109)]  # 1 to 108, each once: 109 is a prime
    others = [n for n in scattered if n > 2 and n not in _ODD_MASKS and n not in _NOBODY]
    return [2, *_ODD_MASKS, *others][place]


def is_healthy(place: int) -> bool:
    """Whether the ``place``-th patient has no tumour and a mask of zeros: the ninth, the eighteenth, ...

    11 of 100, as many as have no slice in the published list of 962; who they are is made up.
    """
    return place % 9 == 8


def pet_path(number: int) -> Path:
    """Where the PET of patient ``number`` lies below the patients' folder."""
    return Path(_person(number)) / f"{number}_nifti_pet" / f"{number}_nifti_pet.img"


def mask_path(number: int) -> Path:
    """Where the mask of patient ``number`` lies below the patients' folder."""
    if number in _ODD_MASKS:
        return Path(_ODD_MASKS[number])
    stem = f"{number}_maski" if number < _FIRST_OF_NEW_NAMES else f"{number}_nifti_maski"
    return Path(_person(number)) / stem / f"{stem}.img"


def _person(number: int) -> str:
    return f"{number}_anon" if number < _FIRST_OF_NEW_NAMES else str(number)


def _is_there(image: Path) -> bool:
    return image.is_file() and image.with_suffix(".hdr").is_file()


def _row(job: _Job) -> dict[str, object]:
    paths = {"pet": job.pet, "mask": job.mask}
    return {"case": job.plan.case_id, **{name: path.relative_to(job.root).as_posix() for name, path in paths.items()}}
