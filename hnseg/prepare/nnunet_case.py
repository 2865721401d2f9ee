"""One prepared case as the files that nnU-Net v2 reads.

Structures that nobody annotated. nnU-Net has no flag for them, but an ignore label, whose voxels enter no loss. In a
patient with such a structure every background voxel could belong to it, so the background becomes the ignore label and
what was outlined stays. hnseg's own losses keep more of such a patient: there a voxel can be "not GTVp" without being
background. A patient of whom nothing but ignored voxels would be left is refused.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg.io import atomic_path, write_volume
from hnseg.prepare.case import CASE_FILE, Case
from hnseg.types import Volume

SUFFIX = ".nii.gz"


def write_nnunet_case(case: Case, raw: Path, part: str) -> bool:
    """Write ``images<part>/CASE_0000.nii.gz``, one a modality, and for ``Tr`` ``labelsTr/CASE.nii.gz``.

    Images are HU and SUV on the prepared grid. Every file is there whole or not at all, and gets the time of the
    prepared case, by which the next call knows that it is up to date.

    Args:
        case: prepared; for ``Tr`` with a label.
        raw: the data set's folder below ``nnUNet_raw``.
        part: ``Tr`` or ``Ts``.

    Returns:
        Whether anything was written; False where all files are up to date.

    Raises:
        ValueError: nothing would be left to learn from.
        DiskFullError: no room.
    """
    time_ns = (case.folder / CASE_FILE).stat().st_mtime_ns
    files = case_files(case, raw, part)
    if all(path.is_file() and path.stat().st_mtime_ns == time_ns for path in files):
        return False
    arrays = [*case.images, *([nnunet_label(case)] if part == "Tr" else [])]
    for path, array in zip(files, arrays, strict=True):
        with atomic_path(path) as temporary:
            write_volume(Volume(np.asarray(array), case.grid), temporary)
            os.utime(temporary, ns=(time_ns, time_ns))
    return True


def case_files(case: Case, raw: Path, part: str) -> list[Path]:
    """What :func:`write_nnunet_case` writes; the label last."""
    images = [raw / f"images{part}" / f"{case.case_id}_{n:04d}{SUFFIX}" for n in range(len(case.modalities))]
    return [*images, *([raw / "labelsTr" / f"{case.case_id}{SUFFIX}"] if part == "Tr" else [])]


def nnunet_label(case: Case) -> NDArray[np.uint8]:
    """uint8 (Z, Y, X): the case's label map; where a structure was not annotated, with ignored voxels for background.

    Raises:
        ValueError: nothing would be left to learn from.
    """
    unknown = [name for name, known in zip(case.label_names, case.annotated, strict=True) if not known]
    if case.label is None:
        raise ValueError("nobody outlined anything; nnU-Net has no use for this patient")
    label = np.asarray(case.label)
    if not unknown:
        return label
    if not label.any():
        raise ValueError(
            f"nobody annotated {', '.join(unknown)} and nothing else is outlined, so any voxel could be that; nnU-Net "
            "would have nothing to learn from; annotate it or leave the patient out"
        )
    return np.where(label == 0, np.uint8(ignore_label(case)), label)


def ignore_label(case: Case) -> int:
    """The highest value of all, as nnU-Net demands."""
    return len(case.label_names) + 1
