"""Everything about a phantom patient that is drawn before any image is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hnseg.phantom.anatomy import Build
from hnseg.phantom.centres import Centre, centre
from hnseg.phantom.clinical import Person, clinical_record, draw_person
from hnseg.phantom.head import TEETH_PER_QUARTER, Teeth
from hnseg.phantom.lesions import Lesion, draw_lesions
from hnseg.phantom.neck import Uptake
from hnseg.phantom.noise import SmoothNoise, generator
from hnseg.phantom.outcome import draw_outcome
from hnseg.phantom.space import Pose


@dataclass(frozen=True)
class PatientPlan:
    """A patient without images: a pure function of ``(seed, index, centre)``."""

    seed: int
    index: int
    centre: Centre
    case_id: str
    pose: Pose
    build: Build
    lesions: tuple[Lesion, ...]
    clinical: Mapping[str, object]


def plan_patient(seed: int, index: int, where: Centre | str, case_id: str | None = None) -> PatientPlan:
    """Draw patient ``index``; costs a millisecond.

    Raises:
        ValueError: an unknown centre, or a negative seed or index.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index of a phantom patient start at 0; got seed {seed}, index {index}")
    scanner = centre(where) if isinstance(where, str) else where
    person = draw_person(generator(seed, index, "clinical"))
    lesions = draw_lesions(generator(seed, index, "lesions"), scanner, person.hpv)
    return PatientPlan(
        seed=seed,
        index=index,
        centre=scanner,
        case_id=case_id or f"{scanner.code}{index + 1:03d}",
        pose=_draw_pose(generator(seed, index, "warp"), person),
        build=_draw_build(generator(seed, index, "anatomy"), scanner, person),
        lesions=lesions,
        clinical=clinical_record(person, lesions, generator(seed, index, "outcome")),
    )


def null_outcome(plan: PatientPlan) -> PatientPlan:
    """The same patient with an outcome that depends on nothing: same follow-up, baseline hazard, ``log_hazard`` 0."""
    days, progressed = draw_outcome(generator(plan.seed, plan.index, "outcome"), 0.0)
    return replace(plan, clinical={**plan.clinical, "log_hazard": 0.0, "pfs_days": days, "progression": progressed})


def _draw_pose(random: np.random.Generator, person: Person) -> Pose:
    pitch, roll, yaw = np.deg2rad(np.clip(random.standard_normal(3), -2, 2) * (5.0, 2.0, 3.0))
    x, y, z = random.uniform((-8, -170, -900), (8, -130, -300))
    return Pose(
        origin_lps_mm=(round(float(x), 2), round(float(y), 2), round(float(z), 2)),
        scale=float(np.clip(random.normal(1.0 if person.male else 0.94, 0.03), 0.88, 1.08)),
        turn_rad=(float(pitch), float(roll), float(yaw)),
        neck_stretch=float(random.uniform(0.93, 1.08)),
        warp=(
            SmoothNoise.draw(random, 150.0),
            SmoothNoise.draw(random, 150.0),
            SmoothNoise.draw(random, 150.0),
        ),
        warp_mm=1.6,
    )


def _draw_build(random: np.random.Generator, scanner: Centre, person: Person) -> Build:
    tonsil = float(random.uniform(2.4, 4.4))
    uptake = Uptake(
        tonsil=(tonsil, tonsil * float(random.uniform(0.85, 1.15))),
        tongue_base=float(random.uniform(2.0, 3.4)),
        parotid=float(random.uniform(1.3, 2.4)),
        submandibular=float(random.uniform(1.6, 2.8)),
        sublingual=float(random.uniform(1.8, 3.6)),
        larynx=float(random.uniform(1.7, 3.8)),
        thyroid=float(random.choice([1.4, 1.4, 1.4, 3.0])),
        brown_fat=float(random.choice([0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 4.0])),
    )
    return Build(
        folds=SmoothNoise.draw(random, 22.0, 12),
        marbling=SmoothNoise.draw(random, 14.0, 6),
        fat_mm=float(np.clip((person.weight_kg - 70) * 0.12 + random.normal(0, 1), -1.0, 7.0)),
        airway_width=float(random.uniform(0.85, 1.2)),
        tongue_scale=float(random.uniform(0.94, 1.05)),
        gland_scale=float(random.uniform(0.9, 1.12)),
        contrast_hu=float(random.uniform(80, 150)) if random.random() < scanner.contrast else 0.0,
        grey_suv=float(np.clip(random.normal(12.0, 1.2), 9.0, 15.0)),
        uptake=uptake,
        teeth=_draw_teeth(random, person),
    )


def _draw_teeth(random: np.random.Generator, person: Person) -> Teeth:
    count = 4 * TEETH_PER_QUARTER
    gone = 0.05 + 0.006 * max(0, person.age - 50)
    missing = frozenset(np.flatnonzero(random.random(count) < gone).tolist())
    filled = random.random(count) < np.where(np.arange(count) % TEETH_PER_QUARTER >= 4, 0.22, 0.04)
    return Teeth(missing, frozenset(np.flatnonzero(filled).tolist()) - missing)
