"""DICOM segmentations in: each segment as a mask on the grid of an image, decoded in a child process."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom import seg_frames
from hnseg.io.dicom.isolated import load_array, run_isolated
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError
from hnseg.io.dicom.seg_place import place
from hnseg.io.dicom.seg_segments import segments
from hnseg.types import Grid

_LIMITS = Limits()

Segment = tuple[NDArray[np.bool_], tuple[str, ...]]
"""A mask (Z, Y, X) and what was noticed."""


class Segments(Mapping[str, Segment]):
    """Segments by label, in the order of the file; kept as bits, and made a mask each time one is asked for."""

    def __init__(self, shape_zyx: tuple[int, int, int]) -> None:
        self._shape_zyx = shape_zyx
        self._kept: dict[str, tuple[NDArray[np.uint8], tuple[str, ...]]] = {}

    def keep(self, label: str, bits: NDArray[np.uint8], notes: tuple[str, ...]) -> None:
        """Add a segment, its voxels eight to a byte (`numpy.packbits`)."""
        self._kept[label] = bits, notes

    def __getitem__(self, label: str) -> Segment:
        bits, notes = self._kept[label]
        mask = np.unpackbits(bits, count=math.prod(self._shape_zyx)).view(bool)
        return mask.reshape(self._shape_zyx), notes

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def read_seg(header: FileHeader, grid: Grid, limits: Limits = _LIMITS) -> Segments:
    """The segments of a Segmentation or Label Map Segmentation, on the grid of an image.

    BINARY, FRACTIONAL (from one half on) and LABELMAP; segments may overlap. Whether the segmentation lies in the frame
    of reference of the image (``header.frame_uid``) is for the caller to check: only positions are looked at here.

    Args:
        header: of the object.
        grid: of the image.
        limits: on the file, its decoded frames and the child process.

    Returns:
        A mask and notes by Segment Label, in the order of the file; where a label says nothing (``Segment_1``), the
        meaning of the codes. A label that occurs twice gets a number. A segment without frames is an empty mask.
        Labels are free text, which may hold a patient's name; see `hnseg.intake.redact`.

    Raises:
        RefusedDicomError: ``no_seg``, ``broken_seg``, ``truncated``, ``tiled``, ``too_large``, ``no_geometry``,
            ``mixed_orientations``, ``uneven_spacing``, ``gantry_tilt``; and those of the child process.
    """
    with tempfile.TemporaryDirectory(prefix="hnseg-seg-") as name:
        folder = Path(name)
        arguments = {"path": str(header.path), "grid": grid.to_dict(), "limits": asdict(limits)}
        return unpacked(run_isolated("seg", arguments, folder, limits), folder, grid)


def seg_task(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the child does: masks as packed bits in ``FOLDER/seg_N.npy``, names and notes in the answer.

    Args:
        arguments: ``path``, ``grid`` (`Grid.to_dict`), ``limits`` (the fields of `Limits`), ``folder``.
    """
    limits, grid = Limits(**arguments["limits"]), Grid.from_dict(arguments["grid"])
    dataset = seg_frames.open_seg(Path(arguments["path"]), limits)
    with seg_frames.broken_seg():
        planes, found = seg_frames.planes(dataset), segments(dataset)
    _check_answer(len(found), grid, limits)
    answer = []
    for index, segment in enumerate(found):
        with seg_frames.broken_seg():
            masks = segment.masks()
        mask, notes = place(masks, segment.frames, planes, grid, limits.series_mib << 20)
        np.save(Path(arguments["folder"]) / f"seg_{index}.npy", np.packbits(mask), allow_pickle=False)
        answer.append({"label": segment.label, "notes": [*segment.notes, *notes]})
    return {"segments": answer}


def unpacked(answer: dict[str, Any], folder: Path, grid: Grid) -> Segments:
    """The masks that `seg_task` left in ``folder``."""
    segments = Segments(grid.shape_zyx)
    for index, segment in enumerate(answer["segments"]):
        bits = load_array(folder, f"seg_{index}.npy")
        segments.keep(str(segment["label"]), bits, tuple(str(note) for note in segment["notes"]))
    return segments


def _check_answer(segments: int, grid: Grid, limits: Limits) -> None:
    needed_mib = segments * math.prod(grid.shape_zyx) / 8 / (1 << 20)  # as bits, one mask at a time as bytes
    if needed_mib > limits.series_mib:
        raise RefusedDicomError(
            "too_large",
            f"{segments} segments on the image's grid need {needed_mib:.0f} MiB, where {limits.series_mib} MiB are "
            f"allowed; export fewer segments",
        )
