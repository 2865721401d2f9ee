"""Which series, structure sets and registrations of one patient belong together.

Images belong together when they share a frame of reference, or when a rigid registration joins their frames. Within
such a group the CT that most structure sets were drawn on gives the grid, and the PET that covers most of it comes
along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field

from hnseg.geometry import overlap_fraction
from hnseg.intake.plan import PlannedPet
from hnseg.io.dicom.objects import FileHeader, RefusedDicomError, Registration, Series
from hnseg.io.dicom.registration import move_grid, path_between
from hnseg.io.dicom.suv import suv_factors, suv_notes
from hnseg.prepare.images import LEAST_OVERLAP
from hnseg.types import Grid

Leave = Callable[[Series | FileHeader, str, str], None]
"""Told what is left out: a series or an object, the reason, and the sentence."""


APART = (
    "other_frame",
    "PET and CT of the examination have different frames of reference (0020,0052) and no registration object joins "
    "them; export the registration along with them, or the CT that belongs to the PET",
)
UNNAMED = (
    "no_frame",
    "the PET has no Frame of Reference UID (0020,0052), so that nothing says where it lies beside the CT; export it "
    "again with it",
)


@dataclass
class Group:
    """Images and objects in one frame of reference, or in several that registrations join."""

    frames: tuple[str, ...]
    ct: list[Series] = field(default_factory=list)
    pt: list[Series] = field(default_factory=list)
    objects: list[FileHeader] = field(default_factory=list)

    @property
    def study_uid(self) -> str:
        return (self.ct or self.pt)[0].study_uid

    def take_in(self, frame_uid: str) -> None:
        """Count a frame of reference among those of the group."""
        if frame_uid not in self.frames:
            self.frames = (*self.frames, frame_uid)

    def rank(self) -> tuple[int, int, int, int]:
        """How much it offers: structure sets, both modalities, files."""
        return (len(self.objects), bool(self.ct) + bool(self.pt), len(self.ct) > 0, sum(len(s.files) for s in self.ct))


@dataclass(frozen=True, eq=False)
class Match:
    """The images and objects of one case; ``moves`` take other frames to that of the case, ``grids`` lie in those."""

    ct: Series | None
    pt: PlannedPet | None
    objects: tuple[FileHeader, ...]
    moves: dict[str, Registration]
    grids: dict[str, Grid]


def groups(
    series: Sequence[Series], objects: Sequence[FileHeader], registrations: Sequence[Registration], leave: Leave
) -> list[Group]:
    """The series and objects of one patient by the frame of reference that they lie in, the richest group first.

    What two registrations disagree about is left out, and so is a PET whose examination has a CT in another frame.
    """
    found: list[Group] = []
    for one in sorted(series, key=lambda one: one.modality):  # CT first: it is PET that is laid on it
        # a series that names no frame shares it with nobody; its own UID stands in for it
        frame = one.frame_uid or one.series_uid
        try:
            group = _group_of(frame, found, registrations)
        except RefusedDicomError as error:
            if one.modality == "pt":
                leave(one, error.reason, error.message)
                continue
            group = None
        if group is None:
            found.append(group := Group(()))
        group.take_in(frame)
        (group.ct if one.modality == "ct" else group.pt).append(one)
    frames = {one.series_uid: one.frame_uid or one.series_uid for one in series}
    for item in objects:
        drawn_on = next((frames[uid] for uid in item.references if uid in frames), item.frame_uid)
        try:
            home = _group_of(drawn_on, found, registrations)
        except RefusedDicomError as error:
            leave(item, error.reason, error.message)
            continue
        if home is None:
            leave(
                item,
                "no_image",
                "the images that it was drawn on are not here, or were refused; add them beside it, in the same export",
            )
        else:
            home.take_in(drawn_on)
            home.objects.append(item)
    return sorted(_beside_their_ct(found, leave), key=Group.rank, reverse=True)


def by_study(group: Group) -> list[Group]:
    """A group with the CTs of several examinations as one group an examination.

    Each has its own PET, or else those of the others, which lie in its frame or are registered to it; and what was
    drawn on its own images.
    """
    studies = list(dict.fromkeys(ct.study_uid for ct in group.ct))
    if len(studies) < 2:
        return [group]
    parts = []
    for study in studies:
        own = [pet for pet in group.pt if pet.study_uid == study]
        part = Group(group.frames, [ct for ct in group.ct if ct.study_uid == study], own or list(group.pt))
        images = {one.series_uid for one in (*part.ct, *own)}
        everyones = {one.series_uid for one in (*group.ct, *group.pt)}
        part.objects = [
            item
            for item in group.objects
            if (images & set(item.references)) or (item.study_uid == study and not everyones & set(item.references))
        ]
        parts.append(part)
    return parts


def match(group: Group, registrations: Sequence[Registration], leave: Leave) -> Match | None:
    """The case that a group makes; None where all its images were refused."""
    targets = {registration.target_uid for registration in registrations}
    ct = max(group.ct, key=lambda one: _standing(one, group.objects, targets), default=None)
    for other in group.ct:
        if other is not ct:
            leave(
                other,
                "other_ct",
                "another CT of this patient in the same place was taken: the one with structures, else the one that "
                "others are registered to, else the longest; put it into a folder of its own if it is the one you want",
            )
    pets = [(pet, planned) for pet in group.pt if (planned := _pet(pet, ct, registrations, leave)) is not None]
    chosen = max(pets, key=lambda pair: _coverage(pair[1], ct, group.objects), default=None)
    for pet, _ in pets:
        if chosen is None or pet is not chosen[0]:
            leave(pet, "other_pet", "another PET of this patient, which covers more of the CT, was taken")
    if ct is None and chosen is None:
        for item in group.objects:
            leave(item, "no_image", "the images that it was drawn on were refused; see there")
        return None
    anchor = ct or (chosen[0] if chosen else None)
    assert anchor is not None
    moves = {}
    for frame in group.frames:
        path = path_between(frame, anchor.frame_uid, registrations) if frame != anchor.frame_uid else None
        if path is not None:
            moves[frame] = path
    # of a frame with CT and PET the CT's slices are those that were drawn on
    grids = {series.frame_uid: series.grid for series in (*group.pt, *group.ct) if series.frame_uid in moves}
    return Match(ct, chosen[1] if chosen else None, tuple(group.objects), moves, grids)


def _group_of(frame_uid: str, found: Iterable[Group], registrations: Sequence[Registration]) -> Group | None:
    """The group that a frame lies in, or is registered to.

    Raises:
        RefusedDicomError: registrations disagree about it.
    """
    for group in found:
        if frame_uid in group.frames:
            return group
    for group in found:
        # every frame is asked, so that later, when one of them is the CT's, none can be found to disagree
        paths = [path_between(frame_uid, frame, registrations) for frame in group.frames]
        if any(path is not None for path in paths):
            return group
    return None


def _beside_their_ct(found: Sequence[Group], leave: Leave) -> list[Group]:
    """The groups without those that are a PET whose CT, of the same examination, lies in a frame that nothing joins."""
    with_ct = {ct.study_uid for group in found for ct in group.ct}
    kept = []
    for group in found:
        if group.ct or not with_ct & {pet.study_uid for pet in group.pt}:
            kept.append(group)
            continue
        named = all(pet.frame_uid for pet in group.pt)
        items: list[Series | FileHeader] = [*group.pt, *group.objects]
        for item in items:
            leave(item, *(APART if named else UNNAMED))
    return kept


def _standing(series: Series, objects: Sequence[FileHeader], targets: Set[str]) -> tuple[int, bool, float, float]:
    """What makes a CT the one to take: structure sets on it, registrations to it, its length in mm, how fine it is."""
    drawn = sum(series.series_uid in item.references for item in objects)
    return (
        drawn,
        series.frame_uid in targets,
        series.grid.shape_zyx[0] * series.grid.spacing_mm[0],
        -series.grid.voxel_volume_mm3,
    )


def _coverage(pet: PlannedPet, ct: Series | None, objects: Sequence[FileHeader]) -> tuple[float, int, int]:
    covered = overlap_fraction(ct.grid, pet.grid) if ct else 0.0
    drawn = sum(pet.series.series_uid in item.references for item in objects)
    return (round(covered, 3), drawn, len(pet.series.files))


def _pet(pet: Series, ct: Series | None, registrations: Sequence[Registration], leave: Leave) -> PlannedPet | None:
    """A PET that can be used beside the CT; None, with the reason told, where it cannot."""
    try:
        factors, notes = suv_factors(pet), suv_notes(pet)
        grid, registered = (pet.grid, False) if ct is None else _beside(pet, ct, registrations)
    except RefusedDicomError as error:
        leave(pet, error.reason, error.message)
        return None
    return PlannedPet(pet, factors, grid, registered, notes)


def _beside(pet: Series, ct: Series, registrations: Sequence[Registration]) -> tuple[Grid, bool]:
    """(grid in the frame of the CT, whether a registration was needed)."""
    registered = not pet.frame_uid or pet.frame_uid != ct.frame_uid
    grid = pet.grid
    if registered:
        path = path_between(pet.frame_uid, ct.frame_uid, registrations)
        assert path is not None, "groups() joined them"
        grid = move_grid(grid, path)
    shared = max(overlap_fraction(grid, ct.grid), overlap_fraction(ct.grid, grid))
    if shared < LEAST_OVERLAP:
        raise RefusedDicomError(
            "no_overlap",
            f"PET and CT share {shared:.0%} of the smaller one, expected at least {LEAST_OVERLAP:.0%}; check that both "
            "are of the same part of the body",
        )
    return grid, registered
