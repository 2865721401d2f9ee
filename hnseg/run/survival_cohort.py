"""The cohort of `survival`: whose outcome is known, with which features, dealt out into which folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from hnseg.data.leakage import refuse_leaks
from hnseg.data.splits import Patient, deal_out
from hnseg.io.phantom_marker import is_phantom
from hnseg.phantom.hazards import hazards
from hnseg.prepare import Case, Failure
from hnseg.survival.clinical import (
    ClinicalMapping,
    encode,
    match,
    read_clinical,
    read_endpoint,
    read_mapping,
)
from hnseg.survival.clinical.endpoints import Matched
from hnseg.survival.objects import CLINICAL, FeatureSet, Fold, SurvivalData


@dataclass(frozen=True)
class TablePatient:
    """What a split may know of a patient of whom there is a row and no image."""

    case_id: str
    centre: str
    part: str = "train"


@dataclass(frozen=True, eq=False)
class Clinic:
    """The clinical half of a cohort.

    Attributes:
        matched: records and outcomes of the same patients.
        mapping: how the table was read.
        endpoint: what is predicted.
    """

    matched: Matched
    mapping: ClinicalMapping
    endpoint: str


@dataclass(frozen=True, eq=False)
class SurvivalCohort:
    """What an experiment is run on.

    Attributes:
        data: patients, outcome and features.
        folds: of each repeat.
        endpoint: what is predicted.
        needs: how the features are computed, kept with the saved models.
        left_out: patients who are not in it, and why: those who failed, and those without an outcome.
        failed: whether any of them failed.
    """

    data: SurvivalData
    folds: Sequence[Sequence[Fold]]
    endpoint: str
    needs: Mapping[str, Any]
    left_out: Sequence[Failure]
    failed: bool


def read_clinic(table: Path, endpoints: Path | None, mapping_name: str, endpoint: str | None) -> Clinic:
    """Records and outcomes that one mapping describes.

    Raises:
        ValueError: as the readers of :mod:`hnseg.survival.clinical`; or the mapping has no endpoint at all.
    """
    mapping = read_mapping(mapping_name)
    if endpoint is None and not mapping.endpoints:
        raise ValueError(f"mapping {mapping.name} has no endpoints, so that there is no outcome to predict; add one")
    chosen = endpoint or next(iter(mapping.endpoints))
    outcome = read_endpoint(endpoints or table, mapping, chosen)
    return Clinic(match(read_clinical(table, mapping), outcome), mapping, chosen)


def table_cohort(plain: Mapping[str, Any]) -> SurvivalCohort:
    """Patients of a clinical table alone.

    Raises:
        ValueError: no mapping was said, or the table cannot be read with it, or it cannot be dealt out.
    """
    path = Path(plain["table"]).expanduser()
    wanted_blocks(plain, ())
    if plain["mapping"] is None:
        raise ValueError(
            "table=... needs mapping=..., which says what the columns are: the name of a mapping that hnseg has, or a "
            "YAML of your own; see docs/datasets/clinical_tables.md"
        )
    clinic = read_clinic(path, path_of(plain["endpoints"]), plain["mapping"], plain["survival"]["endpoint"])
    table = clinic.matched.table
    patients = [TablePatient(name, centre) for name, centre in table.centres.items()]
    data = SurvivalData(
        name=path.stem,
        outcome=clinic.matched.outcome,
        centres=table.centres,
        blocks={CLINICAL: encode(table)},
        phantom=is_phantom(path.parent),
        log_hazard=hazards(path.parent) if is_phantom(path.parent) else None,
    )
    needs = {CLINICAL: {"mapping": plain["mapping"]}}
    repeats = range(plain["survival"]["repeats"])
    folds = [deal_folds(split_of(plain, repeat), patients, data.patients) for repeat in repeats]
    return SurvivalCohort(data, folds, clinic.endpoint, needs, clinic.matched.left_out, False)


def path_of(said: str | None) -> Path | None:
    """A path as users say it."""
    return None if said is None else Path(said).expanduser()


def wanted_blocks(plain: Mapping[str, Any], there: Iterable[str]) -> set[str]:
    """The blocks of features that the chosen sets join; all that can be had where none were chosen.

    Raises:
        ValueError: a set has a block that cannot be had.
    """
    chosen, there = plain["survival"]["feature_sets"], {CLINICAL, *there}
    wanted = there if chosen is None else {block for name in chosen for block in FeatureSet.named(name).blocks}
    if lacking := sorted(wanted - there):
        raise ValueError(
            f"survival.feature_sets: there are no features {', '.join(lacking)} here; deep needs "
            "segmentation=runs/cv/NAME, ct and pt need images of that kind (data=...)"
        )
    return wanted


def split_of(plain: Mapping[str, Any], repeat: int) -> Any:
    """The split of a repeat: one that is drawn at random is drawn anew."""
    split = dict(plain["split"])
    if repeat and "seed" in split:
        split["seed"] += repeat
    return instantiate(split, _convert_="all")


def deal_folds(splitter: Any, patients: Sequence[Patient], cohort: Sequence[str]) -> list[Fold]:
    """Outer folds of those of the patients who are in the cohort.

    All patients are dealt out, also those without an outcome, so that the folds are those of a segmentation that was
    trained on all.

    Raises:
        ValueError: the split has no folds, one of them tests nobody of the cohort, or a patient is in two parts under
            two names.
    """
    if not hasattr(splitter, "folds"):
        raise ValueError(
            f"split: {type(splitter).__name__} does not say what its folds are; use split=leave_one_centre_out or "
            "split=kfold"
        )
    folds = []
    for name in splitter.folds(patients):
        split = deal_out(splitter.for_fold(name), patients)
        if cases := [patient for patient in patients if isinstance(patient, Case)]:
            refuse_leaks(split, cases)
        held = set(split.test)
        test = tuple(patient for patient in cohort if patient in held)
        if not test:
            raise ValueError(f"split: fold {name} tests nobody whose outcome is known; use split=kfold")
        folds.append(Fold(str(name), tuple(patient for patient in cohort if patient not in held), test))
    return folds
