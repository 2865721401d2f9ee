"""Hospitals of the phantom cohorts: each scans another way and sees another mix of tumours.

The codes are those of the real challenges, so that leave-one-centre-out works as it does on real data; everything
else about these centres is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Site = Literal["tonsil", "tongue base", "soft palate", "hypopharynx", "larynx", "oral tongue", "nasopharynx"]


@dataclass(frozen=True)
class Centre:
    """How one hospital scans.

    Attributes:
        code: as patient names begin.
        number: ``CenterID`` in the clinical tables.
        ct_spacing_mm, pet_spacing_mm: (z, y, x).
        ct_field_mm, pet_field_mm: width and depth of the square axial image.
        top_mm, bottom_mm: extent above and below the centre of the brain stem, in a person of average size.
        ct_noise_hu: standard deviation in the middle of the neck.
        ct_padding_hu: value outside the round field of view, None where the square is filled.
        contrast: share of patients with intravenous contrast.
        pet_noise: relative noise at SUV 1.
        pet_fwhm_mm: scanner point spread.
        suv_bias: calibration against the mean of all centres.
        couch: ``curved`` or ``flat`` (radiotherapy table).
        sites: weights of tumour sites.
    """

    code: str
    number: int
    ct_spacing_mm: tuple[float, float, float] = (3.0, 2.0, 2.0)
    pet_spacing_mm: tuple[float, float, float] = (4.0, 4.0, 4.0)
    ct_field_mm: float = 340.0
    pet_field_mm: float = 440.0
    top_mm: float = 128.0
    bottom_mm: float = 200.0
    ct_noise_hu: float = 9.0
    ct_padding_hu: int | None = None
    contrast: float = 0.0
    pet_noise: float = 0.10
    pet_fwhm_mm: float = 5.5
    suv_bias: float = 1.0
    couch: Literal["curved", "flat"] = "curved"
    sites: Mapping[Site, float] = field(default_factory=lambda: {"tonsil": 0.5, "tongue base": 0.5})


_OROPHARYNX: dict[Site, float] = {"tonsil": 0.50, "tongue base": 0.38, "soft palate": 0.12}
_MIXED: dict[Site, float] = {
    "tonsil": 0.40, "tongue base": 0.28, "soft palate": 0.06, "hypopharynx": 0.13, "larynx": 0.08, "oral tongue": 0.05,
}  # fmt: skip
# nasopharynx only where no edition publishes boxes: the organisers' rule puts the box below it
_WIDE: dict[Site, float] = _MIXED | {"nasopharynx": 0.06}

_ALL = (
    Centre("CHGJ", 1, pet_noise=0.08, contrast=0.2, sites=_OROPHARYNX),
    Centre("CHUS", 2, (3.0, 2.2, 2.2), ct_field_mm=400.0, ct_noise_hu=12.0, pet_noise=0.12, suv_bias=1.05,
           sites=_MIXED),
    Centre("CHMR", 3, (2.5, 1.9, 1.9), (3.27, 3.65, 3.65), 310.0, top_mm=84.0, ct_padding_hu=-1024, pet_fwhm_mm=6.0,
           pet_noise=0.16, suv_bias=0.93, sites=_OROPHARYNX),
    Centre("CHUM", 4, (3.0, 2.0, 2.0), (4.0, 4.0, 4.0), 330.0, bottom_mm=178.0, couch="flat", ct_noise_hu=14.0,
           pet_noise=0.09, sites=_MIXED),
    Centre("CHUV", 5, (3.27, 2.3, 2.3), (3.27, 2.73, 2.73), 380.0, 350.0, contrast=0.8, pet_fwhm_mm=5.0, suv_bias=1.1,
           sites=_OROPHARYNX),
    Centre("CHUP", 6, (2.5, 2.2, 2.2), (3.0, 4.07, 4.07), 400.0, 480.0, bottom_mm=235.0, contrast=0.4,
           ct_noise_hu=16.0, pet_noise=0.14, sites=_MIXED),
    Centre("MDA", 7, (3.27, 2.1, 2.1), (3.27, 5.0, 5.0), 400.0, 480.0, bottom_mm=215.0, contrast=0.6,
           ct_padding_hu=-3024, pet_fwhm_mm=6.2, sites=_WIDE),
    Centre("USZ", 8, (3.27, 2.2, 2.2), (3.27, 4.7, 4.7), 380.0, couch="flat", contrast=0.5, sites=_OROPHARYNX),
    Centre("CHB", 9, (2.5, 2.0, 2.0), (5.0, 3.9, 3.9), 350.0, bottom_mm=225.0, ct_noise_hu=7.0, sites=_WIDE),
)  # fmt: skip

CENTRES: Mapping[str, Centre] = {centre.code: centre for centre in _ALL} | {
    # the 2022 and 2025 editions shorten two names
    "HGJ": Centre("HGJ", 1, pet_noise=0.08, contrast=0.2, sites=_OROPHARYNX),
    "HMR": Centre("HMR", 3, (2.5, 1.9, 1.9), (3.27, 3.65, 3.65), 310.0, top_mm=84.0, ct_padding_hu=-1024,
                  pet_fwhm_mm=6.0, pet_noise=0.16, suv_bias=0.93, sites=_OROPHARYNX),
}  # fmt: skip


def centre(code: str) -> Centre:
    """The centre called ``code``.

    Raises:
        ValueError: no centre of that name.
    """
    if code not in CENTRES:
        raise ValueError(f"the phantom knows no centre {code!r}; choose one of {', '.join(sorted(CENTRES))}")
    return CENTRES[code]
