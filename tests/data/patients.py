"""Twenty training patients of two centres, and five test patients of a third."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patient:
    case_id: str
    centre: str
    part: str = "train"


PATIENTS = [Patient(f"{centre}{n:03d}", centre) for centre, count in (("CHGJ", 12), ("CHUS", 8)) for n in range(count)]
PATIENTS += [Patient(f"CHUV{n:03d}", "CHUV", "test") for n in range(5)]
