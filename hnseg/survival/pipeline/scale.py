"""Standardisation: mean 0 and standard deviation 1 over the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.table import numbers_of, spread
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State


class Standardiser(Guarded):
    """Subtracts the mean and divides by the standard deviation (over n) of the training rows; drops what is constant.

    Attributes:
        columns_: of the training table.
        dropped_: those that are constant but for rounding.
        kept_: the others, in order.
        mean_, scale_: (kept,) in the features' own units.
    """

    KIND = "standardiser"

    def fit(self, features: pd.DataFrame, outcome: Outcome | None = None) -> Self:  # noqa: ARG002
        """Learn from (patients, columns) without gaps."""
        table = numbers_of(features)
        assert table.notna().all(axis=None), "impute first"
        scale = spread(table.to_numpy(np.float64))
        self.columns_, self.dropped_ = list(table.columns), list(table.columns[scale == 0])
        self.kept_ = list(table.columns[scale > 0])
        self.mean_, self.scale_ = table[self.kept_].to_numpy(np.float64).mean(axis=0), scale[scale > 0]
        return self

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``kept_``) in standard deviations from the training mean."""
        return (features[self.kept_] - self.mean_) / self.scale_

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        return {
            "kind": self.KIND,
            "columns": self.columns_,
            "kept": self.kept_,
            "mean": self.mean_,
            "scale": self.scale_,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted standardiser of a plain state.

        Raises:
            ValueError: it is not such a state.
        """
        state = State(plain, cls.KIND, ("columns", "kept", "mean", "scale"))
        self = cls()
        self.columns_, self.kept_, self.dropped_ = state.kept_columns()
        self.mean_, self.scale_ = (state.array(name, (len(self.kept_),)) for name in ("mean", "scale"))
        if (self.scale_ <= 0).any():
            raise state.refuse("scale", "above 0")
        return self
