"""What hnseg keeps of DICOM objects in memory: plain values of listed attributes, nothing else.

Names, ids, UIDs, dates and paths in here identify patients. They stay in the memory of the process that imports and in
the DICOM objects that it writes back; no table, log, report or message may show them. That is why every refusal below
has a sentence without any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hnseg.types import Grid

ImageModality = Literal["ct", "pt"]


class RefusedDicomError(ValueError):
    """An object or series that is not taken.

    Attributes:
        reason: a word for tables: ``truncated``, ``no_weight``, ``missing_slices``...
        message: what was found, what was expected and what to do. Without paths, UIDs, names, ids and free text.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)  # both, so that the error survives the way back from another process
        self.reason, self.message = reason, message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class PatientTags:
    """Who it is; compared and hashed, never shown."""

    patient_id: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)


@dataclass(frozen=True)
class ImageTags:
    """Geometry and pixel format of one image file; None where the file does not say.

    Attributes:
        position_lps_mm: Image Position (Patient): centre of the first pixel, (x, y, z).
        orientation: Image Orientation (Patient): LPS unit vectors along a row (first three), then down a column.
        pixel_spacing_mm: Pixel Spacing: between rows (y), then between columns (x).
        rescale_slope, rescale_intercept: of this very file; stored value times slope plus intercept.
        image_type: Image Type, upper case.
    """

    rows: int
    columns: int
    frames: int = 1
    bits_allocated: int = 16
    samples_per_pixel: int = 1
    position_lps_mm: tuple[float, float, float] | None = None
    orientation: tuple[float, float, float, float, float, float] | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    slice_thickness_mm: float | None = None
    spacing_between_slices_mm: float | None = None
    gantry_tilt_deg: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    rescale_type: str = ""
    image_type: tuple[str, ...] = ()
    acquisition_number: int | None = None
    instance_number: int | None = None


@dataclass(frozen=True)
class PetTags:
    """What the activity in a PET file means; empty or None where the file does not say. Times as DICOM writes them.

    Attributes:
        units: Units (0054,1001): ``BQML``, ``CNTS``, ``GML``, ...
        start_time, start_datetime: of the injection (0018,1072), (0018,1078).
        radiopharmaceuticals: items of (0054,0016) that differ in dose, half-life or start; the values are the first's.
        philips_suv_factor: (7053,1000) of the private block ``Philips PET Private Group``: SUV of a count.
        philips_activity_factor: (7053,1009) of the same: Bq/ml of a count.
    """

    units: str = ""
    suv_type: str = ""
    decay_correction: str = ""
    corrected_image: tuple[str, ...] = ()
    manufacturer: str = ""
    weight_kg: float | None = None
    total_dose_bq: float | None = None
    half_life_s: float | None = None
    start_time: str = ""
    start_datetime: str = ""
    series_date: str = ""
    series_time: str = ""
    acquisition_date: str = ""
    acquisition_time: str = ""
    timezone: str = ""
    frame_reference_time_ms: float | None = None
    frame_duration_ms: float | None = None
    philips_suv_factor: float | None = None
    philips_activity_factor: float | None = None
    radiopharmaceuticals: int = 1


@dataclass(frozen=True)
class FileHeader:
    """One DICOM file, header only.

    Attributes:
        path: where it lies.
        modality: ``CT``, ``PT``, ``RTSTRUCT``, ``SEG``, ``REG``, ... by SOP class where it is one of these.
        references: UIDs of the series that an RTSTRUCT or SEG says it was drawn on, first the most direct.
        phantom: Quality Control Image (0028,0300) is YES: a phantom, hnseg's or another.
    """

    path: Path = field(repr=False)
    modality: str
    sop_class_uid: str
    sop_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    study_uid: str = field(repr=False)
    frame_uid: str = field(repr=False)
    transfer_syntax_uid: str
    patient: PatientTags = field(default_factory=PatientTags, repr=False)
    image: ImageTags | None = None
    pet: PetTags | None = field(default=None, repr=False)
    references: tuple[str, ...] = field(default=(), repr=False)
    phantom: bool = False


@dataclass(frozen=True, eq=False)
class Series:
    """Image files of one series that make a volume.

    Attributes:
        modality: ``ct`` or ``pt``.
        files: along array axis 0 of ``grid``: in the direction of the normal, row direction x column direction.
        grid: where the voxels of the volume lie; with a tilted gantry after the shear was taken out.
        shift_px: (number of files, 2) by how many pixels down (y) and along (x) each file's image lies beside ``grid``;
            zeros unless the gantry was tilted.
        tilt_deg: of the gantry, as the positions of the slices have it.
        notes: what was found and mended, for the report.
    """

    modality: ImageModality
    files: tuple[FileHeader, ...]
    grid: Grid
    shift_px: NDArray[np.float64]
    tilt_deg: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def series_uid(self) -> str:
        return self.files[0].series_uid

    @property
    def frame_uid(self) -> str:
        return self.files[0].frame_uid

    @property
    def study_uid(self) -> str:
        return self.files[0].study_uid


@dataclass(frozen=True, eq=False)
class Roi:
    """One structure of a structure set as it was drawn.

    Attributes:
        number: ROI Number.
        name: ROI Name as written: free text, which may hold a patient's name; see `hnseg.intake.redact`.
        contours: closed planar contours, (n, 3) LPS mm each, n at least 1.
        notes: contours that were not taken, and why.
    """

    number: int
    name: str = field(repr=False)
    frame_uid: str = field(repr=False)
    contours: tuple[NDArray[np.float64], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registration:
    """One rigid transform between two frames of reference.

    Attributes:
        source_uid: frame of reference of the positions that it takes.
        target_uid: frame of reference that it takes them to.
        matrix: (4, 4) row by row, on homogeneous LPS mm.
    """

    source_uid: str = field(repr=False)
    target_uid: str = field(repr=False)
    matrix: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Limits:
    """What a file or series may cost before it is refused.

    Raises:
        ValueError: one of them is not a whole number above 0, or ``seconds`` not a finite one; names it.
    """

    file_mib: int = 1024
    series_mib: int = 4096
    memory_mib: int = 6144
    seconds: float = 300.0
    points: int = 5_000_000

    def __post_init__(self) -> None:
        for limit in fields(self):
            value, kinds = getattr(self, limit.name), int | float if limit.name == "seconds" else int
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < math.inf:
                what = "number" if limit.name == "seconds" else "whole number"
                raise ValueError(f"limits.{limit.name} is {value!r} and must be a {what} above 0")


Masks = Mapping[str, NDArray[np.bool_]]
"""Structure name to (Z, Y, X) bool on the grid of a series."""
