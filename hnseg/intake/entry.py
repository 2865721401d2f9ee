"""What a report says of a case: words and numbers that name nobody."""

from __future__ import annotations

from typing import Any

from hnseg.intake.plan import CasePlan, PlannedPet
from hnseg.io.dicom.objects import Series

VENDORS = ("GE", "Siemens", "Philips", "CPS", "United Imaging", "UIH", "Canon", "Toshiba", "Mediso")
"""Those who build PET scanners; anything else in Manufacturer is free text, and shown as ``other``."""


def describe(plan: CasePlan) -> dict[str, Any]:
    """A planned case in words and numbers that name nobody; structures are not looked at."""
    return {
        "case": plan.case_id,
        "patient": plan.patient,
        "centre": plan.centre,
        "part": plan.part,
        "ct": _image(plan.ct) if plan.ct else None,
        "pt": _pet_image(plan.pt) if plan.pt else None,
        "structures": [],
        "unknown": [],
        "notes": list(plan.notes),
    }


def _image(series: Series) -> dict[str, Any]:
    return {
        "slices": len(series.files),
        "shape_zyx": list(series.grid.shape_zyx),
        "spacing_mm": [round(mm, 4) for mm in series.grid.spacing_mm],
        "tilt_deg": round(series.tilt_deg, 2),
        "notes": list(series.notes),
    }


def _pet_image(pet: PlannedPet) -> dict[str, Any]:
    tags = pet.series.files[0].pet
    assert tags is not None, "SUV factors were made of them"
    maker = next((vendor for vendor in VENDORS if tags.manufacturer.lower().startswith(vendor.lower())), "other")
    image = _image(pet.series)
    image["notes"] += pet.notes
    if pet.registered:
        image["notes"].append("brought to the CT by a registration object")
    return {
        **image,
        "units": tags.units,
        "vendor": maker,
        "factor_min": float(pet.factors.min()),
        "factor_max": float(pet.factors.max()),
    }
