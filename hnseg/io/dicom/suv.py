"""Factors that make body-weight SUV of what PET files hold: SUVbw = (stored value x slope + intercept) x factor.

By Units (0054,1001), PS3.3 C.8.9.1.1.3, after QIBA's vendor-neutral pseudo-code for SUV (2018):

* **BQML**: weight in g over the injected activity that was left at the time that voxels are corrected to. Decay
  Correction START: decayed to the start of the scan (`hnseg.io.dicom.decay` says which time that is). ADMIN: voxels
  are corrected to the injection, so nothing decayed. NONE is refused: it needs the mean time of *each* frame, and GE
  writes one Acquisition Time to all beds, Philips the start of the whole scan.
* **CNTS** (Philips): (7053,1000), SUV of a count. Else (7053,1009), Bq/ml of a count, and on as BQML. Zero is what
  Philips writes where there is none.
* **GML**: SUV already. SUV Type (0054,1006) BW or empty is taken as it is, which is what DICOM says of an empty one.
  LBM, LBMJAMES128, LBMJANMA, BSA and IBW are refused: the height is not among the attributes that are read, and LBM
  named several formulas before DICOM told them apart, so that a conversion back would be a guess.
* everything else is refused by name.

Corrected Image (0028,0051) must list DECY and ATTN: without attenuation correction values are no concentrations, and
networks were trained on none of that. Only GML may leave it empty, because nothing is computed there.

Refused, never mended: several radiopharmaceuticals that differ in dose, half-life or start; weight, dose or half-life
that are missing or cannot be in kg, Bq and s (half-lives are compared with those of PET's nuclides).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.decay import decay, earliest_frame
from hnseg.io.dicom.nuclides import is_pet_half_life
from hnseg.io.dicom.objects import PetTags, RefusedDicomError, Series

UNITS, SUV_TYPE = "Units (0054,1001)", "SUVType (0054,1006)"
DECAY_CORRECTION, CORRECTED_IMAGE = "DecayCorrection (0054,1102)", "CorrectedImage (0028,0051)"
WEIGHT, DOSE = "PatientWeight (0010,1030)", "RadionuclideTotalDose (0018,1074)"
HALF_LIFE = "RadionuclideHalfLife (0018,1075)"
RADIOPHARMACEUTICALS = "RadiopharmaceuticalInformationSequence (0054,0016)"
PHILIPS_SUV, PHILIPS_ACTIVITY = "(7053,1000)", "(7053,1009)"

WEIGHT_KG = (0.5, 650.0)
"""A premature child and the heaviest human known; 70 000 (g) lies outside."""
DOSE_BQ = (1e6, 1e11)
"""A child's injection and a radioembolisation, each with a margin of ten; 370 (MBq) and 370 000 (kBq) lie outside."""
OTHER_UNITS = (
    *("NONE", "CM2", "CM2ML", "PCNT", "CPS", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML", "PROPCNTS"),
    *("PROPCPS", "MLMINML", "MLML", "STDDEV", "KBQML"),
)
OTHER_SUV_TYPES = ("LBM", "LBMJAMES128", "LBMJANMA", "BSA", "IBW")
ONE_INJECTION = {
    "units": UNITS,
    "suv_type": SUV_TYPE,
    "decay_correction": DECAY_CORRECTION,
    "corrected_image": CORRECTED_IMAGE,
    "weight_kg": WEIGHT,
    "total_dose_bq": DOSE,
    "half_life_s": HALF_LIFE,
    "start_time": "RadiopharmaceuticalStartTime (0018,1072)",
    "start_datetime": "RadiopharmaceuticalStartDateTime (0018,1078)",
    "radiopharmaceuticals": RADIOPHARMACEUTICALS,
}
"""What all files of a series must agree on."""


def suv_factors(series: Series) -> NDArray[np.float64]:
    """A factor a file, in the order of ``series.files``.

    Raises:
        RefusedDicomError: ``units``, ``suv_type``, ``not_decay_corrected``, ``not_attenuation_corrected``,
            ``several_radiopharmaceuticals``, ``no_weight``, ``no_dose``, ``no_half_life`` (missing), ``bad_weight``,
            ``bad_dose``, ``bad_half_life`` (impossible), ``no_philips_factor``, ``mixed_pet``, and those of
            `hnseg.io.dicom.decay`.
    """
    return np.array([suv_factor(pet, first) for pet, first in _with_earliest(series)])


def suv_notes(series: Series) -> tuple[str, ...]:
    """What `suv_factors` had to choose about times, in sentences without a value, for the report."""
    pet, first = _with_earliest(series)[0]
    if _is_suv(pet) or _decay_correction(pet) == "ADMIN":
        return ()
    return decay(first, _half_life_s(pet)).notes


def suv_factor(pet: PetTags, earliest: PetTags) -> float:
    """SUVbw, in g/ml, of one unit of a file's rescaled values.

    Args:
        pet: attributes of the file.
        earliest: of the file of the same series that was acquired first; see `hnseg.io.dicom.decay.earliest_frame`.

    Raises:
        RefusedDicomError: see `suv_factors`.
    """
    _check_units(pet)
    _check_corrections(pet)
    if pet.units == "GML":
        return 1.0
    if pet.units == "BQML":
        return _body_weight_factor(pet, earliest)
    suv, activity = _positive(pet.philips_suv_factor), _positive(pet.philips_activity_factor)
    if suv is not None:
        return suv
    if activity is not None:
        return activity * _body_weight_factor(pet, earliest)
    raise RefusedDicomError(
        "no_philips_factor",
        f"{UNITS} are CNTS, and the Philips factors {PHILIPS_SUV} and {PHILIPS_ACTIVITY} are missing or not positive; "
        "export the series with its private attributes, or in BQML",
    )


def _with_earliest(series: Series) -> list[tuple[PetTags, PetTags]]:
    pets = [header.pet for header in series.files if header.pet is not None]
    if len(pets) < len(series.files):
        raise RefusedDicomError("units", f"{UNITS} are missing")
    _check_one_injection(pets)
    timeless = all(_is_suv(pet) for pet in pets) or pets[0].decay_correction == "ADMIN"
    first = pets[0] if timeless else earliest_frame(pets)
    return [(pet, first) for pet in pets]


def _check_one_injection(pets: Sequence[PetTags]) -> None:
    differing = [tag for name, tag in ONE_INJECTION.items() if len({getattr(pet, name) for pet in pets}) > 1]
    scaled = {_positive(pet.philips_suv_factor) is not None for pet in pets}
    if pets[0].units == "CNTS" and len(scaled) > 1:
        differing.append(PHILIPS_SUV)
    if differing:
        raise RefusedDicomError("mixed_pet", f"files of one series differ in {', '.join(differing)}")


def _is_suv(pet: PetTags) -> bool:
    """Whether the vendor did the arithmetic, so that weight, dose and times are not asked for."""
    return pet.units == "GML" or (pet.units == "CNTS" and _positive(pet.philips_suv_factor) is not None)


def _check_units(pet: PetTags) -> None:
    if pet.units in ("BQML", "CNTS"):
        return
    if not pet.units:
        raise RefusedDicomError("units", f"{UNITS} are missing")
    if pet.units != "GML":
        shown = pet.units if pet.units in OTHER_UNITS else "none that DICOM defines"
        raise RefusedDicomError("units", f"{UNITS} are {shown}; SUV can be made of BQML, Philips CNTS and GML")
    if pet.suv_type not in ("", "BW"):
        shown = pet.suv_type if pet.suv_type in OTHER_SUV_TYPES else "unknown"
        raise RefusedDicomError(
            "suv_type", f"{SUV_TYPE} is {shown}; export the series in BQML, or as SUV by body weight (BW)"
        )


def _check_corrections(pet: PetTags) -> None:
    if pet.units == "GML" and not pet.corrected_image:
        return
    if not pet.corrected_image:
        raise RefusedDicomError("not_decay_corrected", f"{CORRECTED_IMAGE} is missing; it must list DECY and ATTN")
    if "DECY" not in pet.corrected_image:
        raise RefusedDicomError("not_decay_corrected", f"{CORRECTED_IMAGE} does not list DECY (decay)")
    if "ATTN" not in pet.corrected_image:
        raise RefusedDicomError(
            "not_attenuation_corrected",
            f"{CORRECTED_IMAGE} does not list ATTN (attenuation); choose the attenuation-corrected series",
        )


def _body_weight_factor(pet: PetTags, earliest: PetTags) -> float:
    """g of body per Bq that was left."""
    if pet.radiopharmaceuticals > 1:
        raise RefusedDicomError(
            "several_radiopharmaceuticals",
            f"{RADIOPHARMACEUTICALS} has {pet.radiopharmaceuticals} items that differ in dose, half-life or start; SUV "
            "is made of one injection only",
        )
    weight_kg = _within(pet.weight_kg, WEIGHT_KG, "weight", WEIGHT, "kg")
    dose_bq = _within(pet.total_dose_bq, DOSE_BQ, "dose", DOSE, "Bq")
    if _decay_correction(pet) == "ADMIN":
        return weight_kg * 1000 / dose_bq
    half_life_s = _half_life_s(pet)
    left = math.exp2(-decay(earliest, half_life_s).seconds / half_life_s)
    return weight_kg * 1000 / (dose_bq * left)


def _decay_correction(pet: PetTags) -> str:
    if pet.decay_correction in ("START", "ADMIN"):
        return pet.decay_correction
    shown = "NONE" if pet.decay_correction == "NONE" else "unknown" if pet.decay_correction else "missing"
    raise RefusedDicomError(
        "not_decay_corrected", f"{DECAY_CORRECTION} is {shown}; SUV can be made of START (of the scan) and ADMIN"
    )


def _within(value: float | None, limits: tuple[float, float], name: str, tag: str, unit: str) -> float:
    low, high = limits
    if value is None:
        raise RefusedDicomError(f"no_{name}", f"{tag} is missing or not a number; SUV by body weight needs it")
    if not low <= value <= high:
        kind = "no" if value == 0 else "bad"  # zero is what an empty field of a console becomes
        raise RefusedDicomError(f"{kind}_{name}", f"{tag} is {value:g} {unit}; expected {low:g} to {high:g} {unit}")
    return value


def _half_life_s(pet: PetTags) -> float:
    value = pet.half_life_s
    if value is None:
        raise RefusedDicomError(
            "no_half_life", f"{HALF_LIFE} is missing or not a number; SUV needs it, and none is assumed"
        )
    if not is_pet_half_life(value):
        kind = "no" if value == 0 else "bad"
        raise RefusedDicomError(
            f"{kind}_half_life", f"{HALF_LIFE} is {value:g} s, which is that of no PET nuclide (F-18: 6586 s)"
        )
    return value


def _positive(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value > 0 else None
