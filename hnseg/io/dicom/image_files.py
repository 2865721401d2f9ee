"""Which files of a series are images that can make a volume, and whether they belong together at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from hnseg.io.dicom.objects import FileHeader, ImageTags, RefusedDicomError
from hnseg.io.dicom.wording import counted

LARGEST_MM = 1e5
SMALLEST_PIXEL_MM = 1e-3
"""A position a hundred metres away, or a pixel of a micrometre, is damage; far worse would overflow or fill memory."""

PIXEL_SPACING_TOLERANCE_MM = 1e-3
"""Half a millimetre over 512 pixels: what is written with three decimals is the same spacing."""

_ENHANCED = ("1.2.840.10008.5.1.4.1.1.2.", "1.2.840.10008.5.1.4.1.1.128.", "1.2.840.10008.5.1.4.1.1.130")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SCREEN_SAVES = {"SCREEN SAVE", "SCREENSAVE", "SCREEN_SAVE", "SCREENSHOT", "DOSE_INFO"}
_PROJECTIONS = {"PROJECTION IMAGE", "MIP", "MINIP"}


def image_files(headers: Sequence[FileHeader]) -> tuple[tuple[FileHeader, ...], tuple[str, ...]]:
    """The files of one series that make its volume, in the order given, and notes about those left out.

    Left out are further copies of an image, localisers and screen saves, as long as something else remains.

    Raises:
        RefusedDicomError: ``mixed_patients``, ``mixed_studies``, ``same_uid``, ``localiser``, ``screen_save``,
            ``projection``, ``mixed_frames``, ``enhanced``, ``colour``, ``no_geometry``, ``no_rescale``, ``not_hu``,
            ``mixed_sizes``.
    """
    assert len({header.series_uid for header in headers}) == 1, "files of several series, or none"
    if any(header.image is None for header in headers):
        raise RefusedDicomError("no_geometry", "Rows (0028,0010) is missing in at least one file of the series.")
    _check_same(headers, "mixed_patients", "Patient ID (0010,0020)", [header.patient.patient_id for header in headers])
    _check_same(headers, "mixed_studies", "Study Instance UID (0020,000D)", [header.study_uid for header in headers])
    files, notes = _without_copies(headers)
    files, more = _without_pictures(files)
    _check_same(files, "mixed_frames", "Frame of Reference UID (0020,0052)", [file.frame_uid for file in files])
    for file in files:
        _check_image(file)
    _check_sizes([_image(file) for file in files])
    return files, (*notes, *more, *_notes(files))


def _check_same(headers: Sequence[FileHeader], reason: str, tag: str, values: Sequence[str]) -> None:
    if len(set(values)) > 1:
        raise RefusedDicomError(
            reason,
            f"the {len(headers)} files of one series have {len(set(values))} different values of {tag}; they are not "
            "one scan. Export the series again.",
        )


def _without_copies(headers: Sequence[FileHeader]) -> tuple[tuple[FileHeader, ...], tuple[str, ...]]:
    """One file a SOP Instance UID; copies must agree in geometry and scale."""
    first: dict[str, FileHeader] = {}
    kept = []
    for header in headers:
        known = first.get(header.sop_uid) if header.sop_uid else None
        if known is None:
            first[header.sop_uid] = header
            kept.append(header)
        elif known.image != header.image:
            raise RefusedDicomError(
                "same_uid",
                "files of the series share a SOP Instance UID (0008,0018) but are different images; one that is drawn "
                "on or pointed at cannot be told from the other. Export or anonymise the series again.",
            )
    dropped = len(headers) - len(kept)
    note = f"{counted(dropped, 'further copy of a file was', 'further copies of files were')} left out."
    return tuple(kept), (note,) if dropped else ()


def _without_pictures(headers: Sequence[FileHeader]) -> tuple[tuple[FileHeader, ...], tuple[str, ...]]:
    """Without localisers and screen saves, unless there is nothing else."""
    kinds = [_picture(header) for header in headers]
    counts = Counter(kind for kind in kinds if kind)
    if counts and "" not in kinds:
        reason = counts.most_common(1)[0][0]
        what = {
            "localiser": "localisers (Image Type (0008,0008) has LOCALIZER)",
            "screen_save": "screen saves or secondary captures (SOP Class UID (0008,0016) or Image Type (0008,0008))",
            "projection": "projections such as a MIP (by Image Type (0008,0008))",
        }[reason]
        raise RefusedDicomError(reason, f"the images of the series are {what}, not slices of a scan.")
    kept = tuple(header for header, kind in zip(headers, kinds, strict=True) if not kind)
    said = [(count, kind.replace("_", " ")) for kind, count in sorted(counts.items())]
    return kept, tuple(f"{counted(count, f'{name} was', f'{name}s were')} left out." for count, name in said)


def _picture(header: FileHeader) -> str:
    """Why this image is no slice of a scan; empty where it may be one."""
    words = set(_image(header).image_type)
    if "LOCALIZER" in words:
        return "localiser"
    if header.sop_class_uid.startswith(_SECONDARY_CAPTURE) or words & _SCREEN_SAVES:
        return "screen_save"
    return "projection" if words & _PROJECTIONS else ""


def _check_image(header: FileHeader) -> None:
    image = _image(header)
    if image.frames > 1 or header.sop_class_uid.startswith(_ENHANCED):
        raise RefusedDicomError(
            "enhanced",
            f"the series has images of several frames (Number of Frames (0028,0008) is {image.frames}); export it as "
            "CT or PET images of one slice a file.",
        )
    if image.samples_per_pixel != 1:
        raise RefusedDicomError(
            "colour",
            f"Samples per Pixel (0028,0002) is {image.samples_per_pixel}: a colour picture holds no measured values.",
        )
    _check_geometry(image)
    _check_rescale(header.modality, image)


def _check_geometry(image: ImageTags) -> None:
    needed = (
        ("Image Position (Patient) (0020,0032)", image.position_lps_mm, 3),
        ("Image Orientation (Patient) (0020,0037)", image.orientation, 6),
        ("Pixel Spacing (0028,0030)", image.pixel_spacing_mm, 2),
    )
    for tag, value, count in needed:
        if value is None:
            raise RefusedDicomError(
                "no_geometry", f"{tag} is missing or not {count} numbers in at least one file; nothing can replace it."
            )
        if len(value) != count or not (np.abs(value) < LARGEST_MM).all():  # written so that NaN fails
            raise RefusedDicomError("no_geometry", f"{tag} is not {count} possible numbers in at least one file.")
    if image.pixel_spacing_mm is not None and min(image.pixel_spacing_mm) < SMALLEST_PIXEL_MM:
        raise RefusedDicomError("no_geometry", f"Pixel Spacing (0028,0030) is {image.pixel_spacing_mm} mm.")
    if min(image.rows, image.columns) < 1:
        raise RefusedDicomError("no_geometry", "Rows (0028,0010) or Columns (0028,0011) is missing or 0.")


def _check_rescale(modality: str, image: ImageTags) -> None:
    for tag, value in (
        ("Rescale Slope (0028,1053)", image.rescale_slope),
        ("Rescale Intercept (0028,1052)", image.rescale_intercept),
    ):
        if value is None or not np.isfinite(value):
            raise RefusedDicomError(
                "no_rescale",
                f"{tag} is missing or not a number in at least one file; stored values cannot be read without it.",
            )
    if image.rescale_slope == 0:
        raise RefusedDicomError("no_rescale", "Rescale Slope (0028,1053) is 0 in at least one file.")
    if modality == "CT" and image.rescale_type.strip().upper() not in ("", "HU", "US"):
        raise RefusedDicomError(
            "not_hu",
            "Rescale Type (0028,1054) says that the values are not Hounsfield units (a material or energy map, for "
            "example); choose the series in HU.",
        )


def _check_sizes(images: Sequence[ImageTags]) -> None:
    sizes = Counter((image.rows, image.columns) for image in images)
    if len(sizes) > 1:
        found = ", ".join(f"{count} of {rows} x {columns}" for (rows, columns), count in sizes.most_common(5))
        raise RefusedDicomError("mixed_sizes", f"the images of the series differ in rows x columns: {found}.")
    spacings = np.array([image.pixel_spacing_mm for image in images], float)
    if np.ptp(spacings, axis=0).max() > PIXEL_SPACING_TOLERANCE_MM:
        raise RefusedDicomError(
            "mixed_sizes",
            f"Pixel Spacing (0028,0030) varies from {spacings.min():g} to {spacings.max():g} mm within the series.",
        )


def _notes(files: Sequence[FileHeader]) -> tuple[str, ...]:
    notes = []
    if files[0].modality == "CT" and any(_image(file).rescale_type.strip().upper() == "US" for file in files):
        notes.append("Rescale Type (0028,1054) is US, unspecified; the values were taken as HU.")
    if not files[0].frame_uid:
        notes.append(
            "Frame of Reference UID (0020,0052) is missing; nothing can be said to lie in the same space as the series."
        )
    return tuple(notes)


def _image(header: FileHeader) -> ImageTags:
    assert header.image is not None, "not an image"
    return header.image
