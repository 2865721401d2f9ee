"""The attributes of a header that hnseg looks at, and where they go. No other tag of a file is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hnseg.io.dicom.objects import ImageTags, PatientTags, PetTags
from hnseg.io.dicom.values import Values

_MODALITIES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.481.3": "RTSTRUCT",
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.66.7": "SEG",  # Label Map Segmentation Storage
    "1.2.840.10008.5.1.4.1.1.66.1": "REG",
}
"""By SOP class (PS3.4 section B.5); all others by their Modality, where that is one of the terms below."""

WITH_PIXELS = frozenset(uid for uid, term in _MODALITIES.items() if term in ("CT", "PT", "SEG"))
"""SOP classes of files that are cut short where they have no pixels."""

_TERM = re.compile(
    "AU|BI|CR|CT|CTPROTOCOL|DOC|DX|ECG|FID|IO|KO|MG|MR|NM|OT|PLAN|PR|PT|PX|"
    "REG|RF|RG|RTDOSE|RTIMAGE|RTINTENT|RTPLAN|RTRAD|RTRECORD|RTSEGANN|RTSTRUCT|RWV|SC|SEG|SM|SR|US|XA|XC"
)  # defined terms of PS3.3 section C.7.3.1.1.1; anything else would be free text, which is not shown

_PHILIPS_CREATOR = "Philips PET Private Group"
_PHILIPS_BLOCKS = range(0x10, 0x100)  # a private creator at (7053,00xx) owns (7053,xx00) to (7053,xxFF); PS3.5 7.8.1

TAGS = frozenset(
    {
        *(0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080060, 0x00080070, 0x00080201, 0x00081115),
        *(0x00080021, 0x00080022, 0x00080031, 0x00080032),
        *(0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00101030),
        *(0x00180050, 0x00180088, 0x00181120, 0x00181242),
        *(0x0020000D, 0x0020000E, 0x00200012, 0x00200013, 0x00200032, 0x00200037, 0x00200052),
        *(0x00280002, 0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280051, 0x00280100, 0x00280300),
        *(0x00281052, 0x00281053, 0x00281054),
        *(0x30060010, 0x30060020),
        *(0x00540016, 0x00540101, 0x00541001, 0x00541006, 0x00541102, 0x00541300),
        *(0x70530000 | block for block in _PHILIPS_BLOCKS),
        *(0x70530000 | block << 8 | element for block in _PHILIPS_BLOCKS for element in (0x00, 0x09)),
    }
)
"""What is parsed at the top level of a file; the rest is skipped over."""


def modality(sop_class_uid: str, values: Values) -> str:
    """``CT``, ``PT``, ``RTSTRUCT``, ``SEG``, ``REG``, another defined term, or ``OTHER``."""
    term = values.text(0x00080060).upper()
    return _MODALITIES.get(sop_class_uid) or (term if _TERM.fullmatch(term) else "OTHER")


def patient_tags(values: Values) -> PatientTags:
    """Who it is."""
    return PatientTags(
        patient_id=values.written(0x00100020),
        name=values.written(0x00100010),
        birth_date=values.text(0x00100030),
        sex=values.text(0x00100040).upper(),
    )


def image_tags(values: Values) -> ImageTags | None:
    """Geometry and pixel format; None where there are no rows and columns."""
    rows, columns = values.integer(0x00280010), values.integer(0x00280011)
    if not rows or not columns:
        return None
    return ImageTags(
        rows=rows,
        columns=columns,
        frames=max(values.integer(0x00280008) or 1, 1),
        bits_allocated=values.integer(0x00280100) or 16,
        samples_per_pixel=values.integer(0x00280002) or 1,
        position_lps_mm=values.numbers(0x00200032, 3),  # type: ignore[arg-type]
        orientation=values.numbers(0x00200037, 6),  # type: ignore[arg-type]
        pixel_spacing_mm=values.numbers(0x00280030, 2),  # type: ignore[arg-type]
        slice_thickness_mm=values.number(0x00180050),
        spacing_between_slices_mm=values.number(0x00180088),
        gantry_tilt_deg=values.number(0x00181120),
        rescale_slope=values.number(0x00281053),
        rescale_intercept=values.number(0x00281052),
        rescale_type=values.text(0x00281054).upper(),
        image_type=tuple(part.upper() for part in values.texts(0x00080008)),
        acquisition_number=values.integer(0x00200012),
        instance_number=values.integer(0x00200013),
    )


def pet_tags(values: Values) -> PetTags:
    """What the activity means; of several radiopharmaceuticals the first, and how many there are."""
    injections = tuple(dict.fromkeys(_injection(item) for item in values.items(0x00540016)))
    dose_bq, half_life_s, start_time, start_datetime = injections[0] if injections else (None, None, "", "")
    philips = _philips_block(values)
    return PetTags(
        units=values.text(0x00541001).upper(),
        suv_type=values.text(0x00541006).upper(),
        decay_correction=values.text(0x00541102).upper(),
        corrected_image=tuple(part.upper() for part in values.texts(0x00280051)),
        manufacturer=values.text(0x00080070),
        weight_kg=values.number(0x00101030),
        total_dose_bq=dose_bq,
        half_life_s=half_life_s,
        start_time=start_time,
        start_datetime=start_datetime,
        series_date=values.text(0x00080021),
        series_time=values.text(0x00080031),
        acquisition_date=values.text(0x00080022),
        acquisition_time=values.text(0x00080032),
        timezone=values.text(0x00080201),
        frame_reference_time_ms=values.number(0x00541300),
        frame_duration_ms=values.number(0x00181242),
        philips_suv_factor=values.number(philips) if philips else None,
        philips_activity_factor=values.number(philips | 0x09) if philips else None,
        radiopharmaceuticals=max(len(injections), 1),
    )


def references(kind: str, values: Values) -> tuple[tuple[str, ...], str]:
    """UIDs of the series that a structure set or segmentation was drawn on, and the frame of reference it names."""
    if kind == "SEG":
        return _unique(item.uid(0x0020000E) for item in values.items(0x00081115)), ""
    if kind != "RTSTRUCT":
        return (), ""
    frames = values.items(0x30060010)
    series = (
        item.uid(0x0020000E)
        for frame in frames
        for study in frame.items(0x30060012)
        for item in study.items(0x30060014)
    )
    named = [frame.uid(0x00200052) for frame in frames] + [roi.uid(0x30060024) for roi in values.items(0x30060020)]
    return _unique(series), next((uid for uid in named if uid), "")


def _unique(uids: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uid for uid in uids if uid))


def _injection(item: Values) -> tuple[float | None, float | None, str, str]:
    """Dose in Bq, half-life in s, start as time and as date and time."""
    return item.number(0x00181074), item.number(0x00181075), item.text(0x00181072), item.text(0x00181078)


def _philips_block(values: Values) -> int | None:
    """First tag of the block that the Philips creator owns."""
    owned = (block for block in _PHILIPS_BLOCKS if values.text(0x70530000 | block) == _PHILIPS_CREATOR)
    return next((0x70530000 | block << 8 for block in owned), None)
