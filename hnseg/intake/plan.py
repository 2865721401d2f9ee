"""What an import is going to do: cases, and everything that will not be part of one, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.objects import FileHeader, PatientTags, Registration, Series
from hnseg.types import Grid

Unit = Literal["patient", "study"]
"""What becomes one case: a patient (of several studies the one that offers most), or each study for itself."""


@dataclass(frozen=True)
class Skipped:
    """Something that becomes no part of any case.

    Attributes:
        token: stands for the path or UID, which may identify somebody; see `hnseg.intake.pseudonyms`.
        kind: ``file``, ``series``, ``object`` (a structure set, a segmentation) or ``structure``.
        modality: as DICOM has it, empty for what is no DICOM.
        files: how many files it is.
        reason: a word for tables.
        message: the same in a sentence, with what to do.
        case_id: whose it would be, where that is known.
    """

    token: str
    kind: Literal["file", "series", "object", "structure"]
    modality: str
    files: int
    reason: str
    message: str
    case_id: str = ""


@dataclass(frozen=True, eq=False)
class PlannedPet:
    """A PET series, what makes SUV of it, and where it lies beside the CT.

    Attributes:
        series: its files.
        factors: (number of files,) SUVbw for a rescaled value.
        grid: of the volume in the CT's frame of reference.
        registered: whether a registration object took it there.
        notes: what was decided about times on the way to SUV.
    """

    series: Series
    factors: NDArray[np.float64]
    grid: Grid
    registered: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CasePlan:
    """One case that can be made.

    Attributes:
        case_id: its name in every table.
        patient: whose it is, a pseudonym.
        tags: who that really is, in all the ways in which the files have it: to take names out of structures' names.
        ct, pt: the images, at least one.
        objects: structure sets and segmentations that were drawn on these images.
        moves: registrations that take other frames of reference to that of the case, by their UID.
        grids: of images in those frames: the slices that contours there were drawn on.
        centre, part: from the user's own mapping.
        notes: what was found and decided.
        phantom: whether a file says that it is of a phantom.
    """

    case_id: str
    patient: str
    tags: tuple[PatientTags, ...] = field(repr=False)
    ct: Series | None
    pt: PlannedPet | None
    objects: tuple[FileHeader, ...] = ()
    moves: Mapping[str, Registration] = field(default_factory=dict, repr=False)
    grids: Mapping[str, Grid] = field(default_factory=dict, repr=False)
    centre: str = ""
    part: str = ""
    notes: tuple[str, ...] = ()
    phantom: bool = False

    @property
    def anchor(self) -> Series:
        """The series on whose grid the masks lie: the CT, without one the PET."""
        series = self.ct or (self.pt.series if self.pt else None)
        assert series is not None, "a case has an image"
        return series

    @property
    def grid(self) -> Grid:
        """Where the masks lie, in the frame of reference of the case."""
        return self.ct.grid if self.ct else self.anchor.grid


@dataclass(frozen=True, eq=False)
class Plan:
    """All cases of a folder, in the order of their names, and what is left over."""

    cases: tuple[CasePlan, ...]
    skipped: tuple[Skipped, ...]
    files: int
