"""Who the phantom patient is: age, habits, HPV status, stage, treatment, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnseg.phantom.lesions import Lesion
from hnseg.phantom.outcome import draw_outcome, log_hazard


@dataclass(frozen=True)
class Person:
    """What is known before any scan.

    Attributes:
        male: sex.
        age: years.
        weight_kg: as used for the SUV.
        hpv, smoker, drinker: whether positive.
        performance: ECOG status, 0 to 2.
        chemotherapy, surgery: whether given.
        distant: whether there are distant metastases.
    """

    male: bool
    age: int
    weight_kg: float
    hpv: bool
    smoker: bool
    drinker: bool
    performance: int
    chemotherapy: bool
    surgery: bool
    distant: bool


def draw_person(random: np.random.Generator) -> Person:
    """A plausible head-and-neck patient; positive HPV goes with fewer smokers."""
    male, hpv = bool(random.random() < 0.78), bool(random.random() < 0.6)
    return Person(
        male=male,
        age=int(np.clip(random.normal(60 if hpv else 64, 9), 35, 90)),
        weight_kg=round(float(np.clip(random.normal(82 if male else 67, 13), 42, 140)), 1),
        hpv=hpv,
        smoker=bool(random.random() < (0.35 if hpv else 0.75)),
        drinker=bool(random.random() < 0.45),
        performance=int(random.choice(3, p=[0.55, 0.35, 0.10])),
        chemotherapy=bool(random.random() < 0.82),
        surgery=bool(random.random() < 0.15),
        distant=bool(random.random() < 0.03),
    )


def t_stage(primary: Lesion) -> str:
    """T1 to T4 from the largest diameter alone (AJCC limits of 2, 4 and, for lack of invasion data, 6 cm)."""
    return f"T{1 + int(np.searchsorted([20.0, 40.0, 60.0], 2 * max(primary.radii_mm)))}"


def n_stage(nodes: Sequence[Lesion], primary: Lesion) -> str:
    """N0 to N3 of the seventh AJCC edition from number, side and largest diameter of the nodes."""
    if not nodes:
        return "N0"
    largest = max(2 * max(node.radii_mm) for node in nodes)
    if largest > 60:
        return "N3"
    side = primary.place.split()[-1]
    if any(node.place.split()[-1] != side for node in nodes):
        return "N2c"
    return "N2b" if len(nodes) > 1 else ("N2a" if largest > 30 else "N1")


def stage_group(t: str, n: str, distant: bool) -> str:
    """Stage group of the seventh AJCC edition."""
    if distant:
        return "Stage IVC"
    if n == "N3":
        return "Stage IVB"
    if t == "T4" or n.startswith("N2"):
        return "Stage IVA"
    return "Stage III" if t == "T3" or n == "N1" else {"T1": "Stage I", "T2": "Stage II"}[t]


def clinical_record(person: Person, lesions: Sequence[Lesion], outcome: np.random.Generator) -> dict[str, object]:
    """Everything the tables can ask about a patient, none missing; the outcome follows `hnseg.phantom.outcome`."""
    primary = next(lesion for lesion in lesions if lesion.name == "GTVp")
    nodes = [lesion for lesion in lesions if lesion.name == "GTVn"]
    risk = log_hazard(primary.volume_ml, len(nodes), person.hpv, person.smoker)
    days, progressed = draw_outcome(outcome, risk)
    t, n = t_stage(primary), n_stage(nodes, primary)
    return {
        "male": person.male, "age": person.age, "weight_kg": person.weight_kg, "hpv": person.hpv,
        "smoker": person.smoker, "drinker": person.drinker, "performance": person.performance,
        "chemotherapy": person.chemotherapy, "surgery": person.surgery, "site": primary.place,
        "t_stage": t, "n_stage": n, "m_stage": "M1" if person.distant else "M0",
        "tnm_group": stage_group(t, n, person.distant), "volume_ml": primary.volume_ml, "nodes": len(nodes),
        "log_hazard": risk, "pfs_days": days, "progression": progressed,
    }  # fmt: skip
