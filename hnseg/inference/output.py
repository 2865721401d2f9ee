"""The files that a prediction leaves: a label map, and where asked for a file a structure and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from hnseg.io import write_volume
from hnseg.types import Prediction, Volume

PROBABILITIES = "probabilities"
StructureFiles = Literal["nii.gz", "nrrd"]
STRUCTURE_FILES: tuple[str, ...] = get_args(StructureFiles)


@dataclass(frozen=True)
class Output:
    """Which files predictions leave, and where.

    Attributes:
        folder: takes ``<case_id>.nii.gz``, the label maps.
        probabilities: whether ``probabilities/<case_id>_<structure>.nii.gz`` are written (and ``_sd`` where there are
            standard deviations).
        structure_files: suffix of ``<case_id>/<structure>.<suffix>``, uint8 of 0 and 1 on the grid of the label map;
            None: there are none.
        names: structures in the order of their values.

    Raises:
        ValueError: a structure whose name cannot be a file's, where it would be one; an unknown suffix.
    """

    folder: Path
    names: Sequence[str]
    probabilities: bool = False
    structure_files: StructureFiles | None = None

    def __post_init__(self) -> None:
        if self.structure_files is not None and self.structure_files not in STRUCTURE_FILES:
            raise ValueError(f"structure files {self.structure_files!r} are not known; use one of {STRUCTURE_FILES}")
        wrong = [name for name in self.names if not name.strip(". ") or set(name) & set("/\\:\0")]
        if wrong and (self.probabilities or self.structure_files):
            raise ValueError(
                f"the checkpoint's structures {wrong} cannot be names of files; predict the label map alone, without "
                "structure files and probabilities"
            )

    def mask(self, case_id: str) -> Path:
        """Where the label map of a patient lies."""
        return self.folder / f"{case_id}.nii.gz"

    def structures(self, case_id: str) -> dict[str, Path]:
        """Where the file of each structure of a patient lies; none where there are no such files."""
        if self.structure_files is None:
            return {}
        return {name: self.folder / case_id / f"{name}.{self.structure_files}" for name in self.names}

    def is_there(self, case_id: str) -> bool:
        """Whether an earlier call left the label map and the files of all structures."""
        return all(path.is_file() for path in (self.mask(case_id), *self.structures(case_id).values()))

    def write(self, prediction: Prediction) -> None:
        """Write all files of a patient, the label map last, so that where it is the others are."""
        case_id, mask = prediction.case_id, prediction.mask
        if self.probabilities:
            maps = {**prediction.probabilities, **{f"{name}_sd": sd for name, sd in prediction.probability_sds.items()}}
            for name, volume in maps.items():
                write_volume(volume, self.folder / PROBABILITIES / f"{case_id}_{name}.nii.gz")
        for value, path in enumerate(self.structures(case_id).values(), start=1):
            write_volume(Volume((mask.array == value).astype(np.uint8), mask.grid), path)
        write_volume(mask, self.mask(case_id))
