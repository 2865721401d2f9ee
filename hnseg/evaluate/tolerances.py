"""How far apart two surfaces of an organ may be and still agree: the tolerance of the surface Dice, in mm.

Nikolov et al. 2021 (doi:10.2196/26151, arXiv:1809.04430) take for each organ what their own readers differed by. Their
table was not at hand when this was written. The values of brain stem, mandible, optic nerves and parotids are confirmed
by other people's published code that cites them; the 2.02 mm of the submandibular glands could not be checked against
any second source. They do not have the optic chiasm: it has the tolerance of the optic nerves here, as others do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hnseg.prepare.organs import canonical

Tolerance = float | Mapping[str, float] | None
"""One number for all structures, structure to number, or None for the table below."""

NIKOLOV2021_MM: Mapping[str, float] = {
    "BrainStem": 2.50,
    "Chiasm": 2.50,  # not theirs
    "Mandible": 1.01,
    "OpticNerve_L": 2.50,
    "OpticNerve_R": 2.50,
    "Parotid_L": 2.85,
    "Parotid_R": 2.85,
    "Submandibular_L": 2.02,  # not confirmed
    "Submandibular_R": 2.02,  # not confirmed
}
OTHERS_MM = 1.0
"""Of what is not in the table, tumours among them."""


def tolerance_of(structure: str, tolerance_mm: Tolerance = None) -> float:
    """The tolerance of one structure in mm.

    Args:
        structure: an organ in any spelling that :func:`hnseg.prepare.organs.canonical` knows, or any other name.
        tolerance_mm: one number for all; or structure to number, where those that are not in it have the table's; or
            None for the table's, and :data:`OTHERS_MM` for names that are not in it.

    Raises:
        ValueError: the tolerance is negative, infinite or not a number.
    """
    if tolerance_mm is None or (isinstance(tolerance_mm, Mapping) and structure not in tolerance_mm):
        return NIKOLOV2021_MM.get(canonical(structure) or structure, OTHERS_MM)
    found = tolerance_mm[structure] if isinstance(tolerance_mm, Mapping) else tolerance_mm
    try:
        value = float(found)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(
            f"tolerance_mm of {structure} is {found!r}; give a distance in mm, 0 or more, or null for each organ's own"
        )
    return value
