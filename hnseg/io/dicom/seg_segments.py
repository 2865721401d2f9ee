"""The segments of a DICOM segmentation: their names, and which frames show them. Runs in the child process only."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom.seg import Segmentation
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.seg_frames import frame_groups, frame_value
from hnseg.io.dicom.segment_codes import name_of_code

# labels that programs write when nobody gave a name: "Segment_1", "first segment", "Label 3", "2"
_ORDINAL = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
_THING = "segment|segmentation|seg|label|region|roi|structure|object|mask|unnamed|untitled|unknown"
_GENERIC = re.compile(rf"(?:(?:{_ORDINAL})[\s_-]+)?(?:{_THING})?[\s_#:-]*\d*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment: its name, and its frames by their place in the file."""

    label: str
    frames: NDArray[np.int64]
    masks: Callable[[], NDArray[np.bool_]]
    """(F, rows, columns) bool, decoded when asked for."""
    notes: tuple[str, ...] = ()


def segments(dataset: Dataset) -> list[Segment]:
    """All segments that are described, those without frames included; labels are distinct. ``dataset`` is changed.

    FRACTIONAL frames count from half of Maximum Fractional Value (0062,000E) on.
    """
    for group in (dataset.SharedFunctionalGroupsSequence[0], *dataset.PerFrameFunctionalGroupsSequence):
        for measures in group.get("PixelMeasuresSequence", []):
            measures.setdefault("SliceThickness", 1)  # highdicom insists on one; nothing here uses it
    seg = Segmentation.from_dataset(dataset, copy=False)
    groups = list(frame_groups(seg))
    labelmap = str(seg.SegmentationType) == "LABELMAP"
    shown = None if labelmap else np.array([_segment_number(g) for g in groups])
    described = [item for item in seg.SegmentSequence if int(item.SegmentNumber) in seg.segment_numbers]
    if shown is not None and not set(shown.tolist()) <= {int(item.SegmentNumber) for item in described}:
        raise RefusedDicomError("broken_seg", "frames show segments that SegmentSequence (0062,0002) does not describe")
    decode = _decoder(seg, labelmap)
    found: list[Segment] = []
    for item in described:
        number = int(item.SegmentNumber)
        frames = np.arange(len(groups)) if shown is None else np.flatnonzero(shown == number)
        label, notes = _distinct(_label(item, number), [segment.label for segment in found])
        if str(seg.SegmentationType) == "FRACTIONAL":
            notes = (*notes, "fractional: voxels at or above one half of the largest value were taken")
        found.append(Segment(label, frames, _masks(decode, frames, number), notes))
    return found


def _masks(
    decode: Callable[[NDArray[np.int64], int], NDArray[np.bool_]], frames: NDArray[np.int64], number: int
) -> Callable[[], NDArray[np.bool_]]:
    return lambda: decode(frames, number)


def _decoder(seg: Segmentation, labelmap: bool) -> Callable[[NDArray[np.int64], int], NDArray[np.bool_]]:
    """A function of frames (by place in the file) and segment number to their masks (F, rows, columns)."""
    shape = (int(seg.Rows), int(seg.Columns))
    least = 0.5 * float(seg.get("MaximumFractionalValue", 1)) if seg.SegmentationType == "FRACTIONAL" else 0.5
    kept: list[NDArray[Any]] = []

    def decode(frames: NDArray[np.int64], number: int) -> NDArray[np.bool_]:
        if not len(frames):
            return np.zeros((0, *shape), bool)
        if labelmap:  # every frame shows every segment: decoded once
            if not kept:
                kept.append(seg.get_stored_frames(range(1, int(seg.NumberOfFrames) + 1)))
            return np.asarray(kept[0] == number)
        return np.asarray(seg.get_stored_frames((frames + 1).tolist()) >= least)

    return decode


def _segment_number(groups: Sequence[Dataset]) -> int:
    number = frame_value(groups, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
    if number is None:
        raise RefusedDicomError("broken_seg", "a frame does not say its ReferencedSegmentNumber (0062,000B)")
    return int(number)


def _label(item: Dataset, number: int) -> str:
    """Segment Label; where it says nothing, what the codes say."""
    label = str(item.get("SegmentLabel") or "").strip()
    if not _GENERIC.fullmatch(label):
        return label
    code = (item.get("SegmentedPropertyTypeCodeSequence") or [Dataset()])[0]
    side = (code.get("SegmentedPropertyTypeModifierCodeSequence") or [Dataset()])[0]
    known = name_of_code(str(code.get("CodeValue") or ""), str(side.get("CodeValue") or ""))
    meaning = " ".join(str(part.get("CodeMeaning") or "").strip() for part in (side, code)).strip()
    return known or meaning or label or f"Segment_{number}"


def _distinct(label: str, taken: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if label not in taken:
        return label, ()
    count = next(n for n in range(2, len(taken) + 3) if f"{label} ({n})" not in taken)
    return f"{label} ({count})", ("another segment of the file has the same name",)
