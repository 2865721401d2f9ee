"""The structures that were drawn on a case: which of them hnseg has a name for, and their masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from hnseg.geometry.contour_mask import contour_mask
from hnseg.intake.moving import Mask, contours_moved, mask_moved
from hnseg.intake.plan import CasePlan
from hnseg.intake.redact import redact
from hnseg.intake.structure_names import structure_name
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Registration, Roi
from hnseg.io.dicom.rtstruct import read_rtstruct
from hnseg.io.dicom.seg import read_seg
from hnseg.types import Grid

Made = tuple[Mask, tuple[str, ...]]

LESIONS = ("GTV",)
"""Structures of which a patient may have several that are one target: nodes are outlined one by one."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """One structure as somebody drew it, not yet a mask.

    Attributes:
        original: its name in the file, without what could name the patient.
        source: what kind of object holds it.
        make: its mask on the grid of the case, and notes.
    """

    original: str
    source: Literal["rtstruct", "seg"]
    make: Callable[[], Made]


@dataclass(eq=False)
class Drawings:
    """What was drawn on a case.

    Attributes:
        known: structure to its drawings, one list an object that has it.
        unknown: drawings whose names mean nothing to hnseg.
        refused: objects that could not be read.
    """

    known: dict[str, list[list[Drawing]]] = field(default_factory=dict)
    unknown: list[Drawing] = field(default_factory=list)
    refused: list[tuple[FileHeader, RefusedDicomError]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Structure:
    """A structure of a case that was taken."""

    name: str
    original: str
    source: str
    mask: Mask
    notes: tuple[str, ...]


def read_drawings(plan: CasePlan, aliases: Mapping[str, str], wanted: Sequence[str], limits: Limits) -> Drawings:
    """Names and contours of everything that was drawn on a case; masks are made one by one, when they are asked for.

    Args:
        plan: the case.
        aliases: a user's own spellings to structures.
        wanted: structures to take; none: all that hnseg has a name for.
        limits: of reading one object.
    """
    found = Drawings()
    for header in plan.objects:
        try:
            drawn = list(_drawn(plan, header, limits))
        except RefusedDicomError as error:
            found.refused.append((header, error))
            continue
        of_object: dict[str, list[Drawing]] = {}
        for text, drawing in drawn:
            name = structure_name(text, aliases)
            if name is None:
                found.unknown.append(drawing)
            elif not wanted or name in wanted:
                of_object.setdefault(name, []).append(drawing)
        for name, drawings in of_object.items():
            found.known.setdefault(name, []).append(drawings)
    return found


def taken(drawings: Drawings) -> Iterator[Structure | tuple[str, str, str]]:
    """The structures with their masks, each when its turn comes, or (name, reason, message) of one that is not taken.

    Lesions of one object are united. An organ that one object has twice, or any structure that two objects have with
    different voxels, is not taken: nobody but the user knows which is right.
    """
    for name in sorted(drawings.known):
        versions = [_united(name, of_object) for of_object in drawings.known[name]]
        first = versions[0]
        if first is None or any(other is None or not _same(first.mask, other.mask) for other in versions[1:]):
            originals = sorted({drawing.original for of_object in drawings.known[name] for drawing in of_object})
            yield (
                name,
                "two_versions",
                f"{name} was drawn more than once and differently ({', '.join(originals)}); keep the one that counts, "
                "or give the others names of their own in the alias table",
            )
        elif not first.mask.any():
            yield name, "empty", f"{name} has no voxel on the images; {'; '.join(first.notes) or 'it has no contours'}"
        else:
            yield first


def _united(name: str, drawings: Sequence[Drawing]) -> Structure | None:
    """One structure of the drawings of one object; None where an organ has several that differ."""
    mask, notes = drawings[0].make()
    for drawing in drawings[1:]:
        other, more = drawing.make()
        if not name.startswith(LESIONS) and not _same(mask, other):
            return None
        mask, notes = mask | other, (*notes, *more)
    originals = ", ".join(dict.fromkeys(drawing.original for drawing in drawings))
    return Structure(name, originals, drawings[0].source, mask, tuple(dict.fromkeys(notes)))


def _same(one: Mask, other: Mask) -> bool:
    return bool(np.array_equal(one, other))


def _drawn(plan: CasePlan, header: FileHeader, limits: Limits) -> Iterator[tuple[str, Drawing]]:
    """Name as written, and drawing, of each structure of one object."""
    if header.modality == "SEG":
        move = _move(plan, header, header.frame_uid)
        segments = read_seg(header, _drawn_on(plan, move), limits)
        for label in segments:
            yield label, Drawing(redact(label, *plan.tags), "seg", partial(_segment, segments, label, plan, move))
        return
    for roi in read_rtstruct(header, limits):
        move = _move(plan, header, roi.frame_uid or header.frame_uid)
        yield roi.name, Drawing(redact(roi.name, *plan.tags), "rtstruct", partial(_filled, roi, plan, move))


def _move(plan: CasePlan, header: FileHeader, frame_uid: str) -> Registration | None:
    """What takes a frame of reference to that of the case; None where they are one.

    Raises:
        RefusedDicomError: nothing does.
    """
    anchor = plan.anchor
    unnamed = not frame_uid or not anchor.frame_uid
    if frame_uid == anchor.frame_uid or (unnamed and anchor.series_uid in header.references):
        return None
    if frame_uid not in plan.moves:
        raise RefusedDicomError(
            "other_frame",
            "it was drawn in another frame of reference (0020,0052) than that of the CT, and no registration joins "
            "them; export the registration along with it",
        )
    return plan.moves[frame_uid]


def _drawn_on(plan: CasePlan, move: Registration | None) -> Grid:
    """The slices that somebody drew on, in their own frame of reference."""
    return plan.grid if move is None else plan.grids.get(move.source_uid, plan.grid)


def _segment(segments: Mapping[str, Made], label: str, plan: CasePlan, move: Registration | None) -> Made:
    mask, notes = segments[label]
    return mask if move is None else mask_moved(mask, _drawn_on(plan, move), move, plan.grid), notes


def _filled(roi: Roi, plan: CasePlan, move: Registration | None) -> Made:
    if move is None:
        mask, notes = contour_mask(roi.contours, plan.grid)
    else:
        mask, notes = contours_moved(roi.contours, _drawn_on(plan, move), move, plan.grid)
    return mask, (*roi.notes, *notes)
