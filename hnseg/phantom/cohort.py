"""Which patients a phantom cohort has: names, centres, unusual geometries; all by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hnseg.phantom.centres import CENTRES
from hnseg.phantom.grids import Oddity
from hnseg.phantom.patient import PhantomPatient, make_patient
from hnseg.phantom.plan import PatientPlan, plan_patient

Year = Literal[2020, 2021, 2022, 2025]

_CENTRES: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {
    2020: (("CHGJ", "CHMR", "CHUM", "CHUS"), ("CHUV",)),
    2021: (("CHGJ", "CHMR", "CHUM", "CHUS", "CHUP"), ("CHUP", "CHUV")),
    2022: (("MDA", "CHUP", "CHUS", "CHUM", "HGJ", "CHUV", "HMR"), ("MDA", "USZ", "CHB")),
    2025: (("MDA", "CHUP", "CHUS", "CHUM", "HGJ", "CHUV", "HMR"), ()),
}
"""Centres of the training and of the testing part."""

_FIRST_TEST_INDEX = 100_000  # a testing patient is the same person however many training patients there are
_ODDITIES: dict[int, Oddity] = {1: "oblique", 2: "flipped", 3: "large_pet"}


@dataclass(frozen=True)
class Member:
    """A patient of a cohort, not made yet.

    Attributes:
        case_id: the name that its files carry.
        centre: hospital code.
        index: of `make_patient`.
        oddity: unusual geometry of its scans.
    """

    case_id: str
    centre: str
    index: int
    oddity: Oddity

    def plan(self, seed: int) -> PatientPlan:
        """The patient without images."""
        return plan_patient(seed, self.index, self.centre, self.case_id)

    def make(self, seed: int, coarse: float) -> PhantomPatient:
        """The patient with voxels ``coarse`` times as large as the centre's."""
        scanner = CENTRES[self.centre]
        ct, pet = (
            (s[0] * coarse, s[1] * coarse, s[2] * coarse) for s in (scanner.ct_spacing_mm, scanner.pet_spacing_mm)
        )
        return make_patient(seed, self.index, scanner, ct, pet, case_id=self.case_id, oddity=self.oddity)


def members(year: Year, patients: int, test_patients: int = 0) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """Training and testing patients of an edition, dealt to its centres in turn.

    The second, third and fourth training patients have an unusual but legal geometry.

    Raises:
        ValueError: an edition that the phantom does not know, a number of patients that cannot be.
    """
    if year not in _CENTRES:
        raise ValueError(f"the phantom writes HECKTOR 2020, 2021, 2022 and 2025; got {year}")
    if patients < 1 or test_patients < 0 or (year == 2025 and test_patients > 0):
        raise ValueError(
            f"a phantom cohort needs at least 1 training patient, and 2025 has no testing part; "
            f"got {patients} and {test_patients}"
        )
    train, test = _CENTRES[year]
    counts: dict[str, int] = {}
    first = tuple(_member(year, train, i, i, _ODDITIES.get(i, "none"), counts) for i in range(patients))
    rest = tuple(_member(year, test, i, _FIRST_TEST_INDEX + i, "none", counts) for i in range(test_patients))
    return first, rest


def _member(
    year: int, centres: tuple[str, ...], turn: int, index: int, oddity: Oddity, counts: dict[str, int]
) -> Member:
    code = centres[turn % len(centres)]
    counts[code] = counts.get(code, 0) + 1
    dash = "-" if year >= 2022 else ""
    return Member(f"{code}{dash}{counts[code]:03d}", code, index, oddity)
