"""The nouns of outcome prediction: who, what happened and when, which features, which folds.

Conventions used everywhere in this room:

* A table of features is a :class:`pandas.DataFrame` of floats with a row a patient and the patients' names as its
  index; a value that is not known is NaN until a fold's own imputer fills it.
* Time is in days from the start of follow-up; an event is what the endpoint says (progression, relapse, death).
* **Risk: greater means that the event is expected earlier.** Every model and every index of concordance has it so, and
  so does the challenge's ``Prediction`` column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CLINICAL, CT, PT, DEEP = "clinical", "ct", "pt", "deep"
BLOCKS = (CLINICAL, CT, PT, DEEP)
"""Where features come from: a table, radiomics of the CT and of the PET, the maps of a trained network."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of patients.

    Attributes:
        patients: their names, each once.
        event: (n,) whether the event was seen; False: follow-up ended without it.
        time_days: (n,) until the event, or until follow-up ended; above 0.
    """

    patients: tuple[str, ...]
    event: NDArray[np.bool_]
    time_days: NDArray[np.float64]

    def __post_init__(self) -> None:
        assert len(set(self.patients)) == len(self.patients) == len(self.event) == len(self.time_days)

    def __len__(self) -> int:
        return len(self.patients)

    def of(self, patients: Iterable[str]) -> Outcome:
        """The outcome of some of the patients, in their order."""
        place = {patient: number for number, patient in enumerate(self.patients)}
        names = tuple(patients)
        rows = np.array([place[patient] for patient in names], dtype=int)
        return Outcome(names, self.event[rows], self.time_days[rows])


@dataclass(frozen=True)
class Fold:
    """One outer fold: the test patients are seen once, by a model that was fitted on the training patients alone."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        assert not set(self.train) & set(self.test)


@dataclass(frozen=True)
class FeatureSet:
    """Blocks of features that a model is given together; its name joins them: ``clinical+ct+deep``."""

    blocks: tuple[str, ...]

    @property
    def name(self) -> str:
        return "+".join(self.blocks)

    @classmethod
    def named(cls, name: str) -> FeatureSet:
        """The set of a name.

        Raises:
            ValueError: a block that there is not, or one twice.
        """
        blocks = tuple(name.split("+"))
        if len(set(blocks)) < len(blocks) or not set(blocks) <= set(BLOCKS):
            raise ValueError(f"feature set {name!r}: join some of {', '.join(BLOCKS)} with +, each once")
        return cls(blocks)


@dataclass(frozen=True, eq=False)
class SurvivalData:
    """Everything that is known of a cohort.

    Attributes:
        name: of the data set.
        outcome: of all patients; its order is the order of every table.
        centres: patient to hospital code, empty where unknown.
        blocks: ``clinical``, ``ct`` and ``pt``: the features that are the same in every fold.
        deep: fold name to that fold's deep features of *all* patients, all from the one network that saw none of the
            fold's test patients; features of different networks are different features.
        phantom: whether the patients are made up.
        log_hazard: of phantom patients the true one, by patient.
    """

    name: str
    outcome: Outcome
    centres: Mapping[str, str]
    blocks: Mapping[str, pd.DataFrame]
    deep: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    phantom: bool = False
    log_hazard: Mapping[str, float] | None = None

    @property
    def patients(self) -> tuple[str, ...]:
        return self.outcome.patients

    def features(self, feature_set: FeatureSet, fold: str) -> pd.DataFrame:
        """(patients, features) of a fold; a column has the same name in every set, as no two blocks share one."""
        tables = [self.deep[fold] if block == DEEP else self.blocks[block] for block in feature_set.blocks]
        return pd.concat([table.loc[list(self.patients)] for table in tables], axis=1)


class SurvivalModel(Protocol):
    """A model of time to event, by scikit-learn's conventions; attributes with a trailing underscore are fitted."""

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit to the rows given, which must be training rows (:mod:`hnseg.survival.sentinel`)."""
        ...

    def risk(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """(n,): greater means earlier."""
        ...

    def survival(self, features: pd.DataFrame, times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, times): probability of no event until each time."""
        ...

    def importances(self) -> pd.DataFrame:
        """A row a feature: ``feature``, ``value``, ``low``, ``high`` (NaN where there is no interval), ``kind``."""
        ...

    def to_plain(self) -> dict[str, Any]:
        """The fitted state: JSON types and numeric arrays, nothing else."""
        ...

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted model that :meth:`to_plain` wrote.

        Raises:
            ValueError: it is not such a state.
        """
        ...
