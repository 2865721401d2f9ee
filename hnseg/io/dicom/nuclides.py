"""Half-lives of the nuclides that PET is made with, to notice one that is written in minutes or is another number."""

from __future__ import annotations

import math

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

HALF_LIVES_S = {
    "Rb-82": 75.45,
    "O-14": 70.62,
    "O-15": 122.24,
    "I-122": 3.63 * _MINUTE,
    "K-38": 7.636 * _MINUTE,
    "Cu-62": 9.673 * _MINUTE,
    "N-13": 9.965 * _MINUTE,
    "C-11": 20.364 * _MINUTE,
    "Mn-52m": 21.1 * _MINUTE,
    "Cu-60": 23.7 * _MINUTE,
    "Mn-51": 46.2 * _MINUTE,
    "Tc-94m": 52.0 * _MINUTE,
    "As-70": 52.6 * _MINUTE,
    "Ga-68": 67.71 * _MINUTE,
    "I-120": 81.6 * _MINUTE,
    "Br-75": 96.7 * _MINUTE,
    "F-18": 109.77 * _MINUTE,
    "Ti-45": 184.8 * _MINUTE,
    "Cu-61": 3.336 * _HOUR,
    "Sc-43": 3.891 * _HOUR,
    "Sc-44": 4.042 * _HOUR,
    "Se-73": 7.15 * _HOUR,
    "Fe-52": 8.275 * _HOUR,
    "Zn-62": 9.186 * _HOUR,
    "Ga-66": 9.49 * _HOUR,
    "Cu-64": 12.701 * _HOUR,
    "Nb-90": 14.6 * _HOUR,
    "Y-86": 14.74 * _HOUR,
    "Br-76": 16.2 * _HOUR,
    "Co-55": 17.53 * _HOUR,
    "Tb-152": 17.5 * _HOUR,
    "As-72": 26.0 * _HOUR,
    "Br-77": 57.04 * _HOUR,
    "Y-90": 64.05 * _HOUR,
    "Zr-89": 78.41 * _HOUR,
    "I-124": 4.176 * _DAY,
    "Mn-52": 5.591 * _DAY,
    "Ge-68": 270.95 * _DAY,
    "Na-22": 2.602 * 365.25 * _DAY,
}
"""PS3.16 CID 4020 (PET Radionuclide), and Co-55, I-120 and I-122. Half-lives in seconds, as the evaluations of the
nuclear data centres give them (NuDat, DDEP)."""
TOLERANCE = 0.03
"""Files hold 6500 to 6600 s for F-18 and 4057 to 4100 s for Ga-68; two evaluations of one nuclide differ by up to 2 %.
Minutes or hours written as seconds meet no entry this closely."""


def is_pet_half_life(seconds: float) -> bool:
    """Whether some nuclide of the table has this half-life, within 3 %."""
    return math.isfinite(seconds) and any(
        abs(seconds / half_life_s - 1) <= TOLERANCE for half_life_s in HALF_LIVES_S.values()
    )
