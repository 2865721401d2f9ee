"""No selection: the model gets everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State


class KeepAll(Guarded):
    """Keeps every column.

    Attributes:
        columns_, kept_: all of them.
    """

    KIND = "no selection"

    def fit(self, features: pd.DataFrame, _outcome: Outcome | None = None) -> Self:
        """Remember the columns."""
        self.columns_ = self.kept_ = list(features.columns)
        return self

    @property
    def values_(self) -> NDArray[np.float64]:
        """(kept,) NaN: nothing was estimated."""
        return np.full(len(self.kept_), np.nan)

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``kept_``)."""
        return features[self.kept_]

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        return {"kind": self.KIND, "columns": self.columns_}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted state of a plain one; ValueError where it is none."""
        self = cls()
        self.columns_ = self.kept_ = State(plain, cls.KIND, ("columns",)).names("columns")
        return self
