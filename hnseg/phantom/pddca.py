"""Writes phantom cohorts in the layout of PDDCA 1.4.1, the CTs with nine organs of the MICCAI 2015 challenge.

    0522c0001/img.nrrd
              structures/BrainStem.nrrd, Chiasm.nrrd, ...    0/1, on the grid of img.nrrd
              Landmarks_0001.fcsv                            training patients only

Raudaschl et al. 2017 (doi:10.1002/mp.12197) describe the real data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnseg.phantom.centres import Centre, Site
from hnseg.phantom.cohort_folder import Cohort, Progress, fill
from hnseg.phantom.landmarks import write_landmarks
from hnseg.phantom.nrrd import write_phantom_nrrd
from hnseg.phantom.patient import PhantomPatient, make_patient
from hnseg.types import Volume

ORGANS = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R", "Parotid_L", "Parotid_R", "Submandibular_L",
    "Submandibular_R",
)  # fmt: skip

TRAINING = (
    1, 2, 3, 9, 13, 17, 70, 77, 81, 125, 132, 147, 149, 161, 195, 226, 248, 251, 253, 328, 329, 330, 441, 455, 457,
)  # fmt: skip
VALIDATION = (14, 57, 79, 159, 190, 427, 433, 479)
TEST = (555, 576, 598, 659, 661, 667, 669, 708, 727, 746, 788, 806, 845, 857, 878)
"""Numbers of the real patients, in the lists of Jain and Virtanen 2020 that the published splits go by."""

VALIDATION_EVERY = 4  # so that three patients train for each that validates, in a cohort of any size
_FIRST_TEST_INDEX = 100_000  # a testing patient is the same person however many training patients there are

_SITES: dict[Site, float] = {
    "tonsil": 0.45,
    "tongue base": 0.30,
    "soft palate": 0.05,
    "hypopharynx": 0.12,
    "larynx": 0.08,
}
SCANNERS = tuple(
    Centre(f"0522{letter}", 0, spacing, ct_field_mm=440.0, top_mm=top, bottom_mm=bottom, ct_noise_hu=noise,
           contrast=0.5, couch="flat", sites=_SITES)
    for letter, spacing, top, bottom, noise in (
        ("a", (3.0, 2.0, 2.0), 120.0, 235.0, 10.0),
        ("b", (2.5, 1.9, 1.9), 128.0, 205.0, 14.0),
        ("c", (3.0, 2.2, 2.2), 90.0, 245.0, 8.0),
    )
)  # fmt: skip
"""Planning CTs down to the chest, dealt to the patients in turn; the spacing is twice that of the real ones."""


@dataclass(frozen=True)
class _Job:
    """One patient to be written: the ``number``-th of its part."""

    root: Path
    seed: int
    coarse: float
    number: int
    train: bool

    @property
    def name(self) -> str:
        return f"{training_number(self.number) if self.train else TEST[self.number]:04d}"

    @property
    def folder(self) -> Path:
        return self.root / f"0522c{self.name}"

    @property
    def organs(self) -> dict[str, Path]:
        """Those that somebody outlined, with their files."""
        missing = missing_organs(self.number) if self.train else ()
        return {name: self.folder / "structures" / f"{name}.nrrd" for name in ORGANS if name not in missing}

    @property
    def landmarks(self) -> Path | None:
        return self.folder / f"Landmarks_{self.name}.fcsv" if self.train else None

    @property
    def done(self) -> bool:
        files = (self.folder / "img.nrrd", *self.organs.values(), self.landmarks)
        return all(path is None or path.is_file() for path in files)

    def make(self) -> PhantomPatient:
        scanner = SCANNERS[self.number % len(SCANNERS)]
        z, y, x = (mm * self.coarse for mm in scanner.ct_spacing_mm)
        index = self.number if self.train else _FIRST_TEST_INDEX + self.number
        return make_patient(self.seed, index, scanner, (z, y, x), case_id=self.folder.name)

    def write(self) -> None:
        patient = self.make()
        if not (self.folder / "img.nrrd").is_file():
            write_phantom_nrrd(patient.ct, self.folder / "img.nrrd")
        for name, path in self.organs.items():
            if not path.is_file():
                write_phantom_nrrd(Volume(patient.organs[name].astype(np.uint8), patient.ct_grid), path)
        if self.landmarks is not None and not self.landmarks.is_file():
            write_landmarks(patient.plan.pose, self.landmarks)


def write_pddca(
    root: Path,
    patients: int,
    seed: int,
    test_patients: int = 0,
    coarse: float = 1.0,
    workers: int = 1,
    progress: Progress | bool = False,
) -> Path:
    """Write a phantom cohort as PDDCA lies on disk after unpacking.

    Files appear whole or not at all, and those that are there are kept: a call that was killed goes on where it was,
    and a call that finished does nothing the second time. The marker `MARKER` is written first. Some training patients
    lack organs, see `missing_organs`.

    Args:
        root: folder to fill; made where missing.
        patients, test_patients: of the training and the testing part, at most 33 and 15 as in the real data.
        seed: of the cohort.
        coarse: multiplies every voxel size; 1 is about 2 x 2 x 3 mm.
        workers: processes that write patients.
        progress: True for a bar on the terminal, or a function that is given (patients written, all patients).

    Returns:
        ``root``.

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number that cannot be.
        DiskFullError: no room left.
    """
    most, most_tested = len(TRAINING) + len(VALIDATION), len(TEST)
    if not (1 <= patients <= most and 0 <= test_patients <= most_tested):
        raise ValueError(
            f"a phantom of PDDCA has 1 to {most} training patients and up to {most_tested} testing patients, for whom "
            f"there are names; got {patients} and {test_patients}"
        )
    root = Path(root)
    jobs = [_Job(root, seed, coarse, number, True) for number in range(patients)]
    jobs += [_Job(root, seed, coarse, number, False) for number in range(test_patients)]
    fill(root, Cohort("pddca", seed, patients, test_patients, coarse), jobs, workers, progress)
    return root


def training_number(place: int) -> int:
    """What the ``place``-th training patient is called: the second, sixth, ... is of the published validation list."""
    validating = (place + VALIDATION_EVERY - 2) // VALIDATION_EVERY
    return VALIDATION[validating] if place % VALIDATION_EVERY == 1 else TRAINING[place - validating]


def missing_organs(place: int) -> tuple[str, ...]:
    """Organs that nobody outlined in the ``place``-th training patient.

    Of 25 patients 20 have a mandible, 20 and 18 the left and right submandibular gland, as many as in the training list
    of Jain and Virtanen 2020; who they are is made up. The first two patients have everything.
    """
    lacking = {"Mandible": place % 5 == 3, "Submandibular_L": place % 5 == 4, "Submandibular_R": place % 7 in (2, 5)}
    return tuple(name for name, lacks in lacking.items() if lacks)
