"""What an experiment compares and how: plain data, checked before anything is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pandas as pd

from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import DEEP, FeatureSet, Fold, SurvivalData
from hnseg.survival.pipeline.preprocessing import SELECTIONS

HONEST, PAPER = "honest", "paper"
PROTOCOLS = (HONEST, PAPER)
"""Where imputation, scaling and selection are learned: on a fold's training patients, or (the leak of Bourigault et al.
2021, kept for comparison) on everybody before cross-validation."""

TWO_YEARS_DAYS = 730.5

_NOT_COMPUTED = ("feature_sets", "protocols", "repeats", "reference", "published", "bootstrap_resamples", "workers")


@dataclass(frozen=True)
class Plan:
    """An experiment in plain data.

    Attributes:
        models: names of the registry of models.
        feature_sets: names as :class:`FeatureSet` has them.
        protocols: some of :data:`PROTOCOLS`.
        repeats: how often everything is done, each time with other inner folds and seeds.
        inner_folds: of the cross-validation within the training patients that chooses hyper-parameters.
        selection: how features are chosen after the correlation filter.
        correlation: of two features with an absolute Spearman correlation above it the later one goes.
        seed: of inner folds and models.
        horizon_days: at which survival, calibration and time-dependent AUC are reported.
        bootstrap_resamples: of the patients, for the intervals of the C-index.
        workers: processes; None: as many as there are cores. No result depends on it.
        reference: the feature set that the others are tested against.
        published: (model, feature set) to a published C-index, for the table.

    Raises:
        ValueError: a value that cannot be, with what is possible.
    """

    models: tuple[str, ...]
    feature_sets: tuple[str, ...]
    protocols: tuple[str, ...] = PROTOCOLS
    repeats: int = 1
    inner_folds: int = 3
    selection: str = "cox_lasso"
    correlation: float = 0.80
    seed: int = 0
    horizon_days: float = TWO_YEARS_DAYS
    bootstrap_resamples: int = 1000
    workers: int | None = None
    reference: str = "clinical"
    published: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("models", "feature_sets", "protocols"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name}: expected one or more names, each once; got {list(values)}")
        for feature_set in self.feature_sets:
            FeatureSet.named(feature_set)
        if strange := [name for name in self.models if name not in MODELS]:
            raise ValueError(f"models: {strange[0]!r} is not known; use some of {', '.join(MODELS)}")
        if unknown := set(self.protocols) - set(PROTOCOLS):
            raise ValueError(f"protocols: {min(unknown)!r} is not known; use some of {', '.join(PROTOCOLS)}")
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection: {self.selection!r} is not known; use one of {', '.join(SELECTIONS)}")
        if self.reference not in self.feature_sets:
            raise ValueError(f"reference: {self.reference!r} is none of the feature sets {list(self.feature_sets)}")
        self._refuse_numbers()

    def _refuse_numbers(self) -> None:
        for name, least in (("repeats", 1), ("inner_folds", 2), ("seed", 0), ("bootstrap_resamples", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers: expected 1 or more processes, or none for all cores; got {self.workers!r}")
        if not 0 < self.correlation <= 1:
            raise ValueError(f"correlation: expected a threshold above 0 and up to 1, got {self.correlation!r}")
        if not 0 < self.horizon_days < float("inf"):
            raise ValueError(f"horizon_days: expected days above 0, got {self.horizon_days!r}")

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        return tuple(FeatureSet.named(name) for name in self.feature_sets)

    @property
    def key(self) -> str:
        """A hash of everything that a single task's result depends on."""
        plain: dict[str, Any] = {name.name: getattr(self, name.name) for name in fields(self)}
        computed = {name: value for name, value in plain.items() if name not in _NOT_COMPUTED}
        return hashlib.sha256(json.dumps(computed, sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """For a manifest: JSON types."""
        return asdict(self) | {"published": [[*pair, value] for pair, value in self.published.items()]}


def refuse_unfit(plan: Plan, data: SurvivalData, folds_by_repeat: Sequence[Sequence[Fold]]) -> None:
    """Find before any work what would stop it.

    Raises:
        ValueError: a block of features or a fold's deep features are missing, a patient is in a fold but not in the
            data, a fold is there twice or has too few events, or there are too few repeats.
    """
    if len(folds_by_repeat) != plan.repeats:
        raise ValueError(f"repeats: {plan.repeats} of them need as many lists of folds, got {len(folds_by_repeat)}")
    for block in sorted({block for feature_set in plan.sets for block in feature_set.blocks} - {DEEP}):
        if block not in data.blocks:
            raise ValueError(f"feature sets use {block!r}, of which {data.name} has no features; leave those sets out")
        _refuse_table(data.blocks[block], f"block {block!r}", data)
    event = dict(zip(data.patients, data.outcome.event.tolist(), strict=True))
    for folds in folds_by_repeat:
        if not folds or len({fold.name for fold in folds}) < len(folds):
            raise ValueError("folds: expected one or more in each repeat, each with a name of its own")
        tested = [patient for fold in folds for patient in fold.test]
        if len(set(tested)) < len(tested):
            raise ValueError(f"folds: {len(tested) - len(set(tested))} patients are tested in two folds of a repeat")
        for fold in folds:
            _refuse_fold(fold, plan, data, event)


def _refuse_fold(fold: Fold, plan: Plan, data: SurvivalData, event: Mapping[str, bool]) -> None:
    if unknown := (set(fold.train) | set(fold.test)) - set(event):
        raise ValueError(f"fold {fold.name}: {len(unknown)} patients have no outcome, such as {min(unknown)}")
    if any(DEEP in feature_set.blocks for feature_set in plan.sets) and fold.name not in data.deep:
        raise ValueError(f"fold {fold.name} has no deep features; give the folds of the trained networks")
    if fold.name in data.deep:
        _refuse_table(data.deep[fold.name], f"deep features of fold {fold.name}", data)
    seen = sum(event[patient] for patient in fold.train)
    if min(seen, len(fold.train) - seen) < plan.inner_folds:
        raise ValueError(
            f"fold {fold.name}: {seen} events among {len(fold.train)} training patients are too few (or too many) for "
            f"{plan.inner_folds} inner folds; use fewer inner folds or larger training parts"
        )
    if not fold.test:
        raise ValueError(f"fold {fold.name} has no test patients; leave it out")


def _refuse_table(table: pd.DataFrame, what: str, data: SurvivalData) -> None:
    if table.index.has_duplicates:
        raise ValueError(f"{what}: patient {table.index[table.index.duplicated()][0]!r} is there twice; keep one row")
    if missing := set(data.patients) - set(table.index):
        raise ValueError(
            f"{what}: {len(missing)} patients with an outcome have no row, such as {min(missing)}; leave them out of "
            "the cohort"
        )
