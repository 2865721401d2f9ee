"""The steps before a model, in order: imputation, standardisation, correlation filter, selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Self

import pandas as pd

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.correlation import CorrelationFilter
from hnseg.survival.pipeline.cox_lasso import CoxLasso
from hnseg.survival.pipeline.impute import RoundRobinImputer
from hnseg.survival.pipeline.lasso import PlainLasso
from hnseg.survival.pipeline.scale import Standardiser
from hnseg.survival.pipeline.selection import KeepAll, Selection
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

SELECTIONS: dict[str, Callable[[int], Selection]] = {
    "cox_lasso": lambda seed: CoxLasso(seed=seed),
    "lasso": lambda _seed: PlainLasso(),
    "none": lambda _seed: KeepAll(),
}
"""Name to what makes a selection of a seed."""
STEPS = ("impute", "scale", "filter", "select")


class Preprocessing(Guarded):
    """Everything that happens to features before a model, fitted on the same rows as the model.

    Departure from the paper, which selects before it filters: the penalty is then spread over near copies.

    Args:
        correlation: threshold of :class:`hnseg.survival.pipeline.correlation.CorrelationFilter`.
        selection: a name of :data:`SELECTIONS`.
        seed: of the selection's inner folds.

    Attributes:
        steps_: the fitted steps by the names of ``STEPS``; each says which columns it got, kept and dropped.
        selected_: what is left, in order.
    """

    KIND = "preprocessing"

    def __init__(self, correlation: float = 0.80, selection: str = "cox_lasso", seed: int = 0) -> None:
        self.correlation = correlation
        self.selection = selection
        self.seed = seed

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit each step to what the one before gives of (patients, columns); NaN is unknown.

        Raises:
            ValueError: there is no such selection, or a step cannot be fitted to these.
        """
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection {self.selection!r}: choose one of {', '.join(SELECTIONS)}")
        select = SELECTIONS[self.selection](self.seed)
        steps = (RoundRobinImputer(), Standardiser(), CorrelationFilter(self.correlation), select)
        self.steps_ = dict(zip(STEPS, steps, strict=True))
        for name, step in self.steps_.items():
            features = step.fit(features, outcome).transform(features)
            if features.empty:
                raise ValueError(f"no feature is left after the step {name!r} on {len(outcome)} training patients")
        return self

    @property
    def selected_(self) -> list[str]:
        """The features that are left, in order."""
        return list(self.steps_["select"].kept_)

    def coefficients(self) -> pd.Series[float]:
        """The selection's coefficients by selected feature; NaN where it has none."""
        return pd.Series(list(map(float, self.steps_["select"].values_)), self.selected_)

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``selected_``), standardised; columns that the table lacks are imputed."""
        for step in self.steps_.values():
            features = step.transform(features)
        return features

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        steps = {name: step.to_plain() for name, step in self.steps_.items()}
        return {"kind": self.KIND, "parameters": self.get_params(), **steps}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted preprocessing of a plain state.

        Raises:
            ValueError: it is not such a state, or its steps do not fit together.
        """
        state = State(plain, cls.KIND, ("parameters", *STEPS))
        self = cls(**state.parameters(cls))
        if self.selection not in SELECTIONS:
            raise state.refuse("selection", f"one of {', '.join(SELECTIONS)}")
        kinds: tuple[Any, ...] = (RoundRobinImputer, Standardiser, CorrelationFilter, SELECTIONS[self.selection](0))
        self.steps_ = {name: kind.from_plain(plain[name]) for name, kind in zip(STEPS, kinds, strict=True)}
        steps = list(self.steps_.values())
        if any(later.columns_ != step.kept_ for step, later in pairwise(steps)):
            raise state.refuse("steps", "such that each gets the columns that the one before keeps")
        return self
