"""The files that a prediction leaves: a label map, DICOM objects, on request a file a structure and probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hnseg.io import write_volume
from hnseg.io.dicom.objects import Series
from hnseg.types import Prediction, Volume

PROBABILITIES = "probabilities"
StructureFiles = Literal["nii.gz", "nrrd"]
STRUCTURE_FILES: tuple[str, ...] = get_args(StructureFiles)
Format = Literal["nifti", "rtstruct", "seg"]
FORMATS: tuple[str, ...] = get_args(Format)
ENDINGS: dict[str, str] = {"nifti": ".nii.gz", "rtstruct": "_rtstruct.dcm", "seg": "_seg.dcm"}


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
        formats: of the masks: ``nifti`` is the label map, ``rtstruct`` and ``seg`` are DICOM objects in the frame of
            reference of the patient's own series.
        series: the DICOM series of each patient that the mask lies on, for these; None: the images are no DICOM.

    Raises:
        ValueError: a structure whose name cannot be a file's, where it would be one; an unknown suffix or format; DICOM
            without series.
    """

    folder: Path
    names: Sequence[str]
    probabilities: bool = False
    structure_files: StructureFiles | None = None
    formats: Sequence[str] = ("nifti",)
    series: Mapping[str, Series] | None = None

    def __post_init__(self) -> None:
        if self.structure_files is not None and self.structure_files not in STRUCTURE_FILES:
            raise ValueError(f"structure files {self.structure_files!r} are not known; use one of {STRUCTURE_FILES}")
        strange = [one for one in self.formats if one not in FORMATS]
        if strange or not self.formats:
            raise ValueError(
                f"save={','.join(self.formats)} is not understood; give one or more of {','.join(FORMATS)}"
            )
        if set(self.formats) - {"nifti"} and self.series is None:
            raise ValueError(
                f"save={','.join(self.formats)} writes into the patient's own DICOM study; give input=DICOM_DIR, or "
                "save=nifti"
            )
        wrong = [name for name in self.names if not name.strip(". ") or set(name) & set("/\\:\0")]
        if wrong and (self.probabilities or self.structure_files):
            raise ValueError(
                f"the checkpoint's structures {wrong} cannot be names of files; predict the label map alone, without "
                "structure files and probabilities"
            )

    def mask(self, case_id: str) -> Path:
        """Where the mask of a patient lies: the label map, or where none is written the first DICOM object."""
        return self.masks(case_id)["nifti" if "nifti" in self.formats else self.formats[0]]

    def masks(self, case_id: str) -> dict[str, Path]:
        """Where the mask of a patient lies in each format."""
        return {one: self.folder / f"{case_id}{ENDINGS[one]}" for one in self.formats}

    def structures(self, case_id: str) -> dict[str, Path]:
        """Where the file of each structure of a patient lies; none where there are no such files."""
        if self.structure_files is None:
            return {}
        return {name: self.folder / case_id / f"{name}.{self.structure_files}" for name in self.names}

    def is_there(self, case_id: str) -> bool:
        """Whether an earlier call left the mask in all formats and the files of all structures."""
        places = (*self.masks(case_id).values(), *self.structures(case_id).values())
        return all(path.is_file() for path in places)

    def write(self, prediction: Prediction, phantom: bool = False) -> None:
        """Write all files of a patient, the masks last, so that where these are the others are."""
        case_id, mask = prediction.case_id, prediction.mask
        if self.probabilities:
            maps = {**prediction.probabilities, **{f"{name}_sd": sd for name, sd in prediction.probability_sds.items()}}
            for name, volume in maps.items():
                write_volume(volume, self.folder / PROBABILITIES / f"{case_id}_{name}.nii.gz")
        for value, path in enumerate(self.structures(case_id).values(), start=1):
            write_volume(Volume((mask.array == value).astype(np.uint8), mask.grid), path)
        for one, path in reversed(self.masks(case_id).items()):
            if one == "nifti":
                write_volume(mask, path)
            else:
                self._write_dicom(one, path, prediction, phantom)

    def _write_dicom(self, one: str, path: Path, prediction: Prediction, phantom: bool) -> None:
        from hnseg.io.dicom.rtstruct_write import write_rtstruct  # pydicom: only where DICOM is asked for
        from hnseg.io.dicom.seg import write_seg

        assert self.series is not None, "refused above"
        labels, series = prediction.mask.array, self.series[prediction.case_id]
        structures = _Structures(labels, self.names)
        if one == "rtstruct":
            write_rtstruct(path, structures, series, phantom=phantom)
        else:
            write_seg(path, structures, series, phantom=phantom)


class _Structures(Mapping[str, NDArray[np.bool_]]):
    """The structures of a label map, each made when it is asked for: thirty of them are thirty times its size."""

    def __init__(self, labels: NDArray[np.uint8], names: Sequence[str]) -> None:
        self._labels, self._values = labels, {name: value for value, name in enumerate(names, start=1)}

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        return np.asarray(self._labels == self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
