"""Habits of three vendors: names, how they write pixels, units and holes, and what their users call organs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hnseg.phantom.dicom_cast import VendorName


@dataclass(frozen=True)
class Vendor:
    """One vendor.

    Attributes:
        manufacturer, model: as tags say.
        position: Patient Position is written; some exports lose it.
        ct_signed: CT is stored as signed numbers.
        pet_units: Units (0054,1001).
        pet_signed: PET is stored as signed numbers.
        pet_corrections: Corrected Image (0028,0051).
        top_first: Instance Number counts from the last slice along the normal.
        keyhole: a hole is joined to its outline by a channel; else it is an inner contour of its own.
        spellings: hnseg's name of a structure to the ROI Name.
    """

    manufacturer: str
    model: str
    position: bool
    ct_signed: bool
    pet_units: str
    pet_signed: bool
    pet_corrections: tuple[str, ...]
    top_first: bool
    keyhole: bool
    spellings: Mapping[str, str]


VENDORS: Mapping[VendorName, Vendor] = {
    "siemens": Vendor(
        "SIEMENS", "Biograph", True, False, "BQML", False, ("NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"), True, True,
        {
            "GTVt": "GTV-T", "GTVn": "GTV n", "BrainStem": "Hirnstamm", "Chiasm": "Chiasma opticum",
            "Mandible": "Mandibula", "OpticNerve_L": "N. opticus li.", "OpticNerve_R": "N. opticus re.",
            "Parotid_L": "Parotis li.", "Parotid_R": "Parotis re.", "Submandibular_L": "Gl. submand. li.",
            "Submandibular_R": "Gl. submand. re.",
        },
    ),
    "ge": Vendor(
        "GE MEDICAL SYSTEMS", "Discovery", True, True, "BQML", True,
        ("DECY", "ATTN", "SCAT", "DTIM", "RANSNG", "DCAL", "SLSENS", "NORM"), False, False,
        {
            "GTVt": "GTV T", "GTVn": "GTV-N", "BrainStem": "Brainstem", "Chiasm": "optic chiasm",
            "Mandible": "Mandible", "OpticNerve_L": "Lt Optic Nerve", "OpticNerve_R": "Rt Optic Nerve",
            "Parotid_L": "Lt Parotid", "Parotid_R": "Rt Parotid", "Submandibular_L": "Lt Submandibular",
            "Submandibular_R": "Rt Submandibular",
        },
    ),
    "philips": Vendor(
        "Philips Medical Systems", "Ingenuity TF", False, False, "CNTS", True,
        ("DECY", "RADL", "ATTN", "SCAT", "DTIM", "RAN", "NORM"), False, True,
        {
            "GTVt": "GTVp", "GTVn": "GTVn", "BrainStem": "BRAIN_STEM", "Chiasm": "OpticChiasm",
            "Mandible": "Bone_Mandible", "OpticNerve_L": "OpticNrv_L", "OpticNerve_R": "OpticNrv_R",
            "Parotid_L": "PAROTID_L", "Parotid_R": "PAROTID_R", "Submandibular_L": "Glnd_Submand_L",
            "Submandibular_R": "Glnd_Submand_R",
        },
    ),
}  # fmt: skip
