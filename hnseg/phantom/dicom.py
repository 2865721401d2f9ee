"""Writes phantom cohorts as a hospital exports them: DICOM files under names that say nothing; beside them the truth.

    DICOM/DICOMDIR                       lists nothing
          README.txt                     no DICOM
          HEAP/IM000A3F5C0B1D            all files of several patients
          1F2B93A0/2/IM9C61D2A04BEE      files of one patient, mixed over three folders
    truth/case-001/ct.nii.gz             HU
                   pt.nii.gz             body-weight SUV, in the CT's frame of reference
                   structures/GTVt.nii.gz, Parotid_L.nii.gz, ...      0/1, on the grid of ct.nii.gz
                   files.csv             file, kind: every file of the patient below DICOM/
    truth.csv                            PatientID, case, vendor, outlines, special

Each patient has a CT, a PET, an RTSTRUCT or a SEG, a localiser, a screen capture, and one CT file twice. Who has what
else is in `hnseg.phantom.dicom_cast`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.io.dicom.object_bytes import hashed_uid
from hnseg.phantom.cohort_folder import Cohort, Progress, fill
from hnseg.phantom.dicom_cast import Role, role
from hnseg.phantom.dicom_clutter import README, capture_file, directory_file, localiser_file
from hnseg.phantom.dicom_ct import ct_files
from hnseg.phantom.dicom_pet import pet_files
from hnseg.phantom.dicom_registration import registration_file
from hnseg.phantom.dicom_rtstruct import rtstruct_file
from hnseg.phantom.dicom_scene import Scene, make_scene
from hnseg.phantom.dicom_seg import seg_file
from hnseg.phantom.dicom_study import PhantomStudy
from hnseg.phantom.nifti import write_phantom_nifti
from hnseg.phantom.tables import write_table
from hnseg.types import Volume

FOLDER, TRUTH, TABLE, LIST = "DICOM", "truth", "truth.csv", "files.csv"
_SUBFOLDERS = 3


@dataclass(frozen=True)
class _Job:
    """One patient to be written."""

    root: Path
    seed: int
    coarse: float
    place: int

    @property
    def case_id(self) -> str:
        return f"case-{self.place + 1:03d}"

    @property
    def role(self) -> Role:
        return role(self.place)

    @property
    def truth(self) -> Path:
        return self.root / TRUTH / self.case_id

    @property
    def done(self) -> bool:
        """Whether the list of files, which is written last, is there, and all that it names."""
        listed = self.truth / LIST
        if not listed.is_file():
            return False
        with listed.open(newline="", encoding="utf-8") as file:
            return all((self.root / row["file"]).is_file() for row in csv.DictReader(file))

    @cached_property
    def study(self) -> PhantomStudy:
        scene = make_scene(self.seed, self.place, self.role, self.case_id, self.coarse)
        return PhantomStudy(
            key=f"{self.seed} {self.coarse} {self.place}",
            place=self.place,
            male=bool(scene.plan.clinical["male"]),
            weight_kg=scene.weight_kg,
            own_pet_frame=self.role.has("registration"),
            at_night=self.role.has("injected_before_midnight"),
        )

    def write(self) -> None:
        """Write what is missing, the list of all files last."""
        scene = make_scene(self.seed, self.place, self.role, self.case_id, self.coarse)
        listed = []
        for kind, path, content in self._objects(scene):
            listed.append((kind, path))
            _write_bytes(path, content)
        for kind, path, volume in self._truths(scene):
            listed.append((kind, path))
            if not path.is_file():
                write_phantom_nifti(volume, path)
        rows = [{"file": path.relative_to(self.root).as_posix(), "kind": kind} for kind, path in listed]
        write_table(self.truth / LIST, rows)

    def _objects(self, scene: Scene) -> Iterator[tuple[str, Path, bytes]]:
        """Kind, file and content of all that lies below the export; the CT first, on which a SEG is drawn."""
        ct_paths: dict[int, Path] = {}
        for index, content in ct_files(scene, self.study):
            ct_paths[index] = self._file("ct", index)
            yield "ct", ct_paths[index], content
            if index == scene.ct_slices.shape_zyx[0] // 2:
                yield "copy", self._file("copy", index), content
        for index, content in pet_files(scene, self.study):
            yield "pet", self._file("pet", index), content
        if self.role.outlines == "rtstruct":
            yield "rtstruct", self._file("rtstruct", 0), rtstruct_file(scene, self.study)
        else:
            yield "seg", self._file("seg", 0), seg_file(scene, self.study, ct_paths)
        if self.role.has("registration"):
            yield "registration", self._file("registration", 0), registration_file(scene, self.study)
        yield "localiser", self._file("localiser", 0), localiser_file(scene, self.study)
        yield "capture", self._file("capture", 0), capture_file(scene, self.study)

    def _truths(self, scene: Scene) -> Iterator[tuple[str, Path, Volume]]:
        yield "truth", self.truth / "ct.nii.gz", scene.true_ct
        yield "truth", self.truth / "pt.nii.gz", Volume(scene.pet_suv, scene.pet_grid)
        for name, mask in scene.masks.items():
            yield "truth", self.truth / "structures" / f"{name}.nii.gz", Volume(mask.astype(np.uint8), scene.ct_grid)

    def _file(self, kind: str, index: int) -> Path:
        """A name whose order says nothing."""
        name = hashlib.sha256(f"{self.study.key} {kind} {index}".encode()).hexdigest().upper()
        if self.role.in_heap:
            return self.root / FOLDER / "HEAP" / f"IM{name[:12]}"
        own = hashlib.sha256(self.study.key.encode()).hexdigest().upper()[:8]
        return self.root / FOLDER / own / str(int(name[-4:], 16) % _SUBFOLDERS) / f"IM{name[:12]}"

    @property
    def row(self) -> dict[str, object]:
        return {
            "PatientID": self.study.patient_id,
            "case": self.case_id,
            "vendor": self.role.vendor,
            "outlines": self.role.outlines,
            "special": ";".join(self.role.specials),
        }


def write_dicom(
    root: Path,
    patients: int,
    seed: int,
    test_patients: int = 0,
    coarse: float = 1.0,
    workers: int = 1,
    progress: Progress | bool = False,
) -> Path:
    """Write a phantom cohort as DICOM files in the flavours of three vendors, and what must come out of them.

    Files appear whole or not at all, and those that are there are kept: a call that was killed goes on where it was,
    and a call that finished does nothing the second time. The marker `MARKER` is written first, ``truth.csv`` last.
    Every object says Quality Control Image (0028,0300) YES; patients are called ``Phantom^hnseg``.

    Args:
        root: folder to fill; made where missing.
        patients: at least 1; `hnseg.phantom.dicom_cast.role` deals them vendors and what is special.
        seed: of the cohort.
        test_patients: must be 0: an export has no testing part.
        coarse: multiplies every voxel size; 1 is about 2 x 2 x 3 mm.
        workers: processes that write patients.
        progress: True for a bar on the terminal, or a function that is given (patients written, all patients).

    Returns:
        ``root``.

    Raises:
        ValueError: the folder holds another phantom or files that are no phantom, or a number that cannot be.
        DiskFullError: no room left.
    """
    if patients < 1 or test_patients:
        raise ValueError(
            f"a phantom of DICOM files has at least 1 patient and no testing part; got {patients} and {test_patients}"
        )
    root = Path(root)
    jobs = [_Job(root, seed, coarse, place) for place in range(patients)]
    fill(root, Cohort("dicom", seed, patients, test_patients, coarse), jobs, workers, progress)
    _write_bytes(root / FOLDER / "README.txt", README.encode())
    _write_bytes(root / FOLDER / "DICOMDIR", directory_file(hashed_uid("hnseg phantom", seed, coarse, "directory")))
    if not (root / TABLE).is_file():
        write_table(root / TABLE, [job.row for job in jobs])
    return root


def _write_bytes(path: Path, content: bytes) -> None:
    if not path.is_file():
        with atomic_path(path) as part:
            part.write_bytes(content)
