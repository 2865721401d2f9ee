"""The prepared phantom cases that loaders are compared on, as hnseg keeps them and as NIfTI files for its peers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnseg.io import write_volume
from hnseg.phantom import write_hecktor
from hnseg.prepare import Case, Recipe, hecktor, prepare_cohort
from hnseg.types import Volume

IMAGES = ("ct", "pt")


@dataclass(frozen=True)
class Size:
    """Of the cohort and of what is drawn from it; a box of 144 mm."""

    patients: int = 4
    spacing_mm: float = 1.0
    patch: int = 96
    per_case: int = 8
    coarse: float = 1.0
    workers: int = 2

    @property
    def patches(self) -> int:
        """An epoch's."""
        return self.patients * self.per_case


FULL = Size()
QUICK = Size(patients=2, spacing_mm=4.0, patch=24, per_case=4, coarse=4.0, workers=1)


def write_cohort(folder: Path, size: Size) -> None:
    """The phantom, prepared; and the very same arrays as ``nii/CASE_{ct,pt,label}.nii.gz`` (PET as float32)."""
    raw = write_hecktor(
        folder / "raw", year=2021, patients=size.patients, seed=1, coarse=size.coarse, workers=size.workers
    )
    recipe = Recipe(spacing_mm=(size.spacing_mm,) * 3)
    prepare_cohort(
        hecktor.find_studies(raw, 2021).studies, recipe, folder / "cache", workers=size.workers, progress=False
    )
    (folder / "nii").mkdir()
    for case in cases(folder):
        arrays = dict(zip(IMAGES, case.images, strict=True)) | {"label": case.label}
        for name, array in arrays.items():
            plain = np.array(array, np.float32 if array.dtype == np.float16 else array.dtype)
            write_volume(Volume(plain, case.grid), folder / "nii" / f"{case.case_id}_{name}.nii.gz")


def cases(folder: Path) -> list[Case]:
    """What hnseg reads."""
    return [Case.open(path.parent) for path in sorted(folder.glob("cache/*/*/case.json"))]


def niftis(folder: Path) -> list[dict[str, str]]:
    """What its peers read: the three files of each case."""
    names = sorted(path.name.removesuffix("_ct.nii.gz") for path in (folder / "nii").glob("*_ct.nii.gz"))
    return [{key: str(folder / "nii" / f"{name}_{key}.nii.gz") for key in (*IMAGES, "label")} for name in names]
