"""The files of one series, put in order as a volume, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.shear import unsheared_shape
from hnseg.io.dicom.image_files import LARGEST_MM, SMALLEST_PIXEL_MM, image_files
from hnseg.io.dicom.objects import FileHeader, ImageModality, ImageTags, RefusedDicomError, Series
from hnseg.io.dicom.slice_axes import slice_axes
from hnseg.io.dicom.slice_line import PLACE_TOLERANCE_MM, SliceLine, evenly_spaced, slice_line
from hnseg.types import Grid

MODALITIES: dict[str, ImageModality] = {"CT": "ct", "PT": "pt"}

TILT_TAG_TOLERANCE_DEG = 0.5
"""Gantries are set in steps of half a degree."""


def stack(headers: Sequence[FileHeader]) -> Series:
    """Put the image files of one series in order, and find the grid of the volume.

    Order, spacing and tilt come from Image Position and Image Orientation (Patient) alone (PS3.3 C.7.6.2.1.1): file
    names, numbers and Spacing Between Slices decide nothing. A scan of a tilted gantry lies on an upright grid that
    holds every image after its shift; see :attr:`Series.shift_px` and :func:`hnseg.geometry.shear.take_out_shear`.

    Args:
        headers: of one Series Instance UID, modality CT or PT, in any order.

    Raises:
        RefusedDicomError: see :func:`image_files`, :func:`slice_axes` and :func:`slice_line`; ``too_few``: one image
            that does not say how thick it is.
    """
    files, notes = image_files(headers)
    images = [image for file in files if (image := file.image) is not None]
    axes = slice_axes(images)
    positions_mm = np.array([image.position_lps_mm for image in images], float)
    # From the first file on: at 1e4 mm from the origin a difference of positions keeps more digits than a projection.
    places_mm = (positions_mm - positions_mm[0]) @ axes
    order = np.argsort(places_mm[:, 0], kind="stable")
    images, files = [images[i] for i in order], tuple(files[i] for i in order)
    line = _line(places_mm[order], images, files[0].modality)
    shift_px, start_mm = _shifts(line, images)
    grid = Grid(
        unsheared_shape((len(files), images[0].rows, images[0].columns), shift_px),
        (float(line.step_mm[0]), *_pixel_spacing_mm(images)),
        tuple(float(v) for v in positions_mm[0] + axes @ start_mm),  # type: ignore[arg-type]
        axes,
    )
    notes = (*notes, *_notes(line, images))
    return Series(MODALITIES[files[0].modality], files, grid, shift_px, line.tilt_deg, notes)


def _line(places_mm: NDArray[np.float64], images: Sequence[ImageTags], modality: str) -> SliceLine:
    if len(images) == 1:
        thickness_mm = images[0].slice_thickness_mm
        if thickness_mm is None or not SMALLEST_PIXEL_MM < thickness_mm < LARGEST_MM:
            raise RefusedDicomError(
                "too_few", "the series is one image, and Slice Thickness (0018,0050) does not say how thick it is."
            )
        return SliceLine(places_mm[0], np.array([thickness_mm, 0.0, 0.0]))
    try:
        return slice_line(places_mm, [image.slice_thickness_mm for image in images])
    except RefusedDicomError as refused:
        hint = _hint(refused.reason, places_mm[:, 0], images, modality)
        raise RefusedDicomError(refused.reason, refused.message + hint) from None


def _hint(reason: str, depths_mm: NDArray[np.float64], images: Sequence[ImageTags], modality: str) -> str:
    """What may be behind slices that make no stack, and what to do."""
    numbers = np.array([-1 if image.acquisition_number is None else image.acquisition_number for image in images])
    stacks = [depths_mm[numbers == number] for number in np.unique(numbers)]
    if len(stacks) > 1 and all(len(part) > 1 and evenly_spaced(part) for part in stacks):
        sizes = ", ".join(str(len(part)) for part in stacks[:6])
        return (
            f" By Acquisition Number (0020,0012) they are {len(stacks)} regular stacks of {sizes} slices: export each "
            "as a series of its own."
        )
    if reason != "double_slices":
        return ""
    if modality == "PT":
        return " A dynamic or gated PET has several images at each place: export one frame or gate as a series."
    return " Several phases, reconstructions or scans share a Series Instance UID: export each as a series of its own."


def _shifts(line: SliceLine, images: Sequence[ImageTags]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 2) pixels by which each image lies down and along from the first pixel of the grid, and where that lies."""
    drift_mm = np.arange(len(images))[:, None] * line.step_mm[1:]
    first_mm = drift_mm.min(axis=0)
    start_mm = line.start_mm + np.r_[0.0, first_mm]
    return (drift_mm - first_mm) / _pixel_spacing_mm(images), start_mm


def _pixel_spacing_mm(images: Sequence[ImageTags]) -> tuple[float, float]:
    down, along = np.median([image.pixel_spacing_mm or (np.nan, np.nan) for image in images], axis=0)
    return float(down), float(along)


def _notes(line: SliceLine, images: Sequence[ImageTags]) -> tuple[str, ...]:
    step_mm, notes = float(line.step_mm[0]), []
    if len(images) == 1:
        notes.append(f"one slice alone; it counts as {step_mm:g} mm thick by Slice Thickness (0018,0050).")
    told = {abs(image.spacing_between_slices_mm) for image in images if image.spacing_between_slices_mm}
    differing = [value for value in told if abs(value - step_mm) > max(PLACE_TOLERANCE_MM, 0.02 * step_mm)]
    if differing:
        notes.append(
            f"Spacing Between Slices (0018,0088) says {differing[0]:g} mm, the positions {step_mm:.4g} mm; these count."
        )
    thickest_mm = max(image.slice_thickness_mm or 0.0 for image in images)
    if thickest_mm > 0 and step_mm > 1.5 * thickest_mm:
        notes.append(
            f"the slices are {thickest_mm:g} mm thick and {step_mm:.4g} mm apart; nothing was seen between them."
        )
    tilts = [abs(image.gantry_tilt_deg) for image in images if image.gantry_tilt_deg is not None]
    if line.tilt_deg:
        notes.append(
            f"the gantry was tilted by {line.tilt_deg:.1f} degrees; the images are moved in plane to stand upright."
        )
    elif tilts and max(tilts) > TILT_TAG_TOLERANCE_DEG:
        notes.append(
            f"Gantry/Detector Tilt (0018,1120) says {max(tilts):g} degrees, but the images stand upright by their "
            "positions; these count."
        )
    return tuple(notes)
