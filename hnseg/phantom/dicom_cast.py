"""Who is who among the phantom's DICOM patients: vendor, how organs were outlined, and what is special."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hnseg.phantom.centres import Centre, Site

VendorName = Literal["siemens", "ge", "philips"]
Outlines = Literal["rtstruct", "seg"]
Special = Literal["injected_before_midnight", "feet_first", "registration", "admin", "jpeg_lossless", "tilt", "prone"]
"""``registration``: the PET has a frame of reference of its own, and a Spatial Registration takes it to the CT's;
``admin``: activity is decay corrected to the injection; the rest says it itself."""

_SITES: dict[Site, float] = {
    "tonsil": 0.40,
    "tongue base": 0.30,
    "soft palate": 0.05,
    "hypopharynx": 0.15,
    "larynx": 0.10,
}
SCANNERS: dict[VendorName, Centre] = {
    "siemens": Centre("SIE", 0, (3.0, 2.0, 2.0), (4.0, 4.0, 4.0), 380.0, 440.0, couch="flat", contrast=0.5,
                      sites=_SITES),
    "ge": Centre("GEM", 0, (2.5, 2.1, 2.1), (3.27, 3.65, 3.65), 380.0, 470.0, couch="flat", ct_padding_hu=-3024,
                 pet_noise=0.12, pet_fwhm_mm=6.0, contrast=0.5, sites=_SITES),
    "philips": Centre("PHI", 0, (3.0, 2.2, 2.2), (4.0, 4.0, 4.0), 420.0, 480.0, couch="flat", ct_noise_hu=12.0,
                      pet_noise=0.14, contrast=0.5, sites=_SITES),
}  # fmt: skip
"""Planning-like CT and PET; voxels are twice as large as real ones, and all numbers are made up to be plausible."""


@dataclass(frozen=True)
class Role:
    """What a patient's files are like.

    Attributes:
        vendor: in whose flavour they are.
        outlines: what holds the structures.
        specials: what is out of the ordinary.
        in_heap: whether all files lie in the one folder that some patients share.
    """

    vendor: VendorName
    outlines: Outlines
    specials: tuple[Special, ...] = ()
    in_heap: bool = False

    def has(self, special: Special) -> bool:
        return special in self.specials


_ROLES = (
    Role("siemens", "rtstruct"),
    Role("ge", "rtstruct", ("injected_before_midnight",), in_heap=True),
    Role("philips", "seg", ("feet_first",)),
    Role("siemens", "rtstruct", ("registration",), in_heap=True),
    Role("ge", "seg", ("admin", "jpeg_lossless")),
    Role("philips", "rtstruct", ("tilt",)),
    Role("siemens", "seg", ("prone",), in_heap=True),
    Role("ge", "rtstruct"),
    Role("philips", "rtstruct", in_heap=True),
)
"""Dealt in turn. The first three show all vendors and both kinds of outlines, the first seven everything."""


def role(place: int) -> Role:
    """What the ``place``-th patient, counted from 0, is like; the tenth is like the first."""
    return _ROLES[place % len(_ROLES)]
