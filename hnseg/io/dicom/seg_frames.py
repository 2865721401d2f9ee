"""The frames of a DICOM segmentation: may they be decoded, and where do they lie? Runs in the child process only.

PS3.3 A.51 (Segmentation IOD), C.8.20 (its modules), C.7.6.16 (functional groups).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hnseg.io.dicom.objects import Limits, RefusedDicomError
from hnseg.io.dicom.opening import read_whole
from hnseg.io.memory import available_memory_bytes

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""

_MIB = 1 << 20


@dataclass(frozen=True, eq=False)
class Planes:
    """Where frames lie: parallel planes.

    Attributes:
        positions_lps_mm: (F, 3) centre of the first pixel of each frame.
        row, column: LPS unit vectors along a row and down a column.
        spacing_mm: between rows (y), then between columns (x).
        step_mm: from slice to slice, as the file or else its frames say; None where neither does.
    """

    positions_lps_mm: NDArray[np.float64]
    row: NDArray[np.float64]
    column: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    step_mm: float | None


@contextmanager
def broken_seg() -> Iterator[None]:
    """What highdicom and pydicom raise on a damaged or odd object, as a refusal without its text.

    Raises:
        RefusedDicomError: ``broken_seg``.
    """
    try:
        yield
    except (RefusedDicomError, MemoryError):
        raise
    except Exception as error:  # theirs are of every kind, and their texts quote the file
        raise RefusedDicomError(
            "broken_seg",
            f"the segmentation breaks the DICOM standard, or is damaged ({type(error).__name__}); export it again, "
            f"for example as BINARY in Explicit VR Little Endian",
        ) from None


def open_seg(path: Path, limits: Limits) -> Dataset:
    """A segmentation object that may be decoded within the limits.

    Raises:
        RefusedDicomError: ``no_seg``, ``too_large``, ``tiled``, ``truncated``, ``broken_seg``; those of `read_whole`.
    """
    dataset = read_whole(path, limits.file_mib)
    with broken_seg():
        if dataset.get("SOPClassUID") not in SEG_CLASSES:
            raise RefusedDicomError("no_seg", "the object is no DICOM segmentation, by its SOPClassUID (0008,0016)")
        if "TotalPixelMatrixRows" in dataset or "ImageOrientationSlide" in dataset:
            raise RefusedDicomError("tiled", "segmentations of microscope slides are not read")
        _check_cost(dataset, limits)
    return dataset


def planes(seg: Dataset) -> Planes:
    """Where all frames lie, in the order of the file.

    Raises:
        RefusedDicomError: ``no_geometry`` names the tag, ``mixed_orientations``.
    """
    groups = list(frame_groups(seg))
    position = [_numbers(g, "PlanePositionSequence", "ImagePositionPatient", "(0020,0032)", 3) for g in groups]
    direction = [_numbers(g, "PlaneOrientationSequence", "ImageOrientationPatient", "(0020,0037)", 6) for g in groups]
    spacing = [_numbers(g, "PixelMeasuresSequence", "PixelSpacing", "(0028,0030)", 2) for g in groups]
    if np.ptp(direction, axis=0).max() > 1e-4 or np.ptp(spacing, axis=0).max() > 1e-4:
        raise RefusedDicomError(
            "mixed_orientations",
            "the frames of the segmentation differ in ImageOrientationPatient (0020,0037) or PixelSpacing (0028,0030)",
        )
    row, column = np.asarray(direction[0], float).reshape(2, 3)
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > 1e-3 or abs(row @ column) > 1e-3 or min(spacing[0]) <= 0:
        raise RefusedDicomError(
            "no_geometry",
            "ImageOrientationPatient (0020,0037) is not two unit vectors at right angles, or PixelSpacing 0",
        )
    row, column = row / lengths[0], column / lengths[1]
    positions = np.asarray(position, float)
    step = _step_mm(groups, positions @ np.cross(row, column))
    return Planes(positions, row, column, (spacing[0][0], spacing[0][1]), step)


def _check_cost(dataset: Dataset, limits: Limits) -> None:
    """Before a frame is decoded: a byte a pixel is what decoding takes, two where a label map has 16 bits."""
    frames = int(dataset.get("NumberOfFrames") or 0)
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if min(frames, rows, columns) < 1:
        raise RefusedDicomError(
            "broken_seg", "Rows (0028,0010), Columns (0028,0011) or NumberOfFrames (0028,0008) is missing or 0"
        )
    bits = int(dataset.get("BitsAllocated") or 0)
    needed = rows * columns * frames * max(bits // 8, 1)
    room = min(limits.series_mib * _MIB, available_memory_bytes() // 2)
    if needed > room:
        raise RefusedDicomError(
            "too_large",
            f"the segmentation needs {needed / _MIB:.0f} MiB once decoded, where {room / _MIB:.0f} MiB are allowed; "
            f"export fewer segments or a smaller region",
        )
    stored = len(dataset.get("PixelData", b""))
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated and stored * 8 < rows * columns * frames * bits:
        raise RefusedDicomError(
            "truncated",
            f"PixelData (7FE0,0010) has {stored} bytes where {frames} frames need more; copy the file again",
        )


def frame_groups(seg: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """For each frame its own functional groups and the shared ones."""
    shared = (seg.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    own = seg.get("PerFrameFunctionalGroupsSequence") or []
    if len(own) != int(seg.NumberOfFrames):
        raise RefusedDicomError(
            "broken_seg",
            f"PerFrameFunctionalGroupsSequence (5200,9230) has {len(own)} items where NumberOfFrames (0028,0008) "
            f"is {int(seg.NumberOfFrames)}",
        )
    for item in own:
        yield item, shared


def frame_value(groups: Sequence[Dataset], sequence: str, keyword: str) -> Any:
    """An attribute of the functional group ``sequence``, from the first of ``groups`` that has it; else None."""
    for group in groups:
        items = group.get(sequence)
        if items and keyword in items[0]:
            return items[0].get(keyword)
    return None


def _numbers(groups: Sequence[Dataset], sequence: str, keyword: str, tag: str, count: int) -> list[float]:
    value = frame_value(groups, sequence, keyword)
    numbers = [] if value is None or value == "" else [float(part) for part in value]
    if len(numbers) != count or not np.all(np.isfinite(numbers)):
        raise RefusedDicomError("no_geometry", f"{keyword} {tag} is missing in a frame, or not {count} numbers")
    return numbers


def _step_mm(groups: Sequence[tuple[Dataset, Dataset]], distances_mm: NDArray[np.float64]) -> float | None:
    """Spacing Between Slices; without it the smallest gap between frames, if Slice Thickness is the same.

    A gap alone may be wider than a slice, because empty frames are left out; so may a thickness, where slices overlap.
    """
    said = frame_value(groups[0], "PixelMeasuresSequence", "SpacingBetweenSlices")
    if said not in (None, "") and float(said) > 0:
        return float(said)
    thickness = frame_value(groups[0], "PixelMeasuresSequence", "SliceThickness")
    gaps = np.diff(np.unique(np.round(distances_mm, 4)))
    if thickness in (None, "") or not len(gaps):
        return None
    return float(gaps.min()) if abs(gaps.min() - float(thickness)) <= 0.1 * gaps.min() else None
