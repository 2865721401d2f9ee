"""What every selection of features is: some columns stay, each with a coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

Array = NDArray[np.float64]


class Selection(Guarded):
    """A step that keeps some columns; whoever inherits it fits.

    Attributes:
        columns_: of the training table.
        kept_: those that stay, in order.
        values_: (kept,) coefficients, NaN where nothing was estimated.
    """

    KIND: ClassVar[str]
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    FLAGS: ClassVar[tuple[str, ...]] = ()

    def _keep(self, columns: pd.Index[str], coefficients: Array) -> Self:
        """Keep the columns whose coefficient, one of (columns,), is not 0."""
        chosen = coefficients != 0
        self.columns_ = list(columns)
        self.kept_ = [name for name, stays in zip(columns, chosen, strict=True) if stays]
        self.values_ = coefficients[chosen]
        return self

    @property
    def dropped_(self) -> list[str]:
        """The other columns, in order."""
        kept = set(self.kept_)
        return [name for name in self.columns_ if name not in kept]

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``kept_``)."""
        return features[self.kept_]

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        notes = {name: getattr(self, f"{name}_") for name in self.NUMBERS + self.FLAGS}
        columns = {"columns": self.columns_, "kept": self.kept_, "values": self.values_}
        return {"kind": self.KIND, "parameters": self.get_params(), **columns, **notes}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted selection of a plain state.

        Raises:
            ValueError: it is not such a state.
        """
        state = State(plain, cls.KIND, ("parameters", "columns", "kept", "values", *cls.NUMBERS, *cls.FLAGS))
        self = cls(**state.parameters(cls))
        self.columns_, self.kept_, _ = state.kept_columns()
        self.values_ = state.array("values", (len(self.kept_),), finite=False)
        for name in cls.NUMBERS:
            setattr(self, f"{name}_", state.number(name))
        for name in cls.FLAGS:
            setattr(self, f"{name}_", state.flag(name))
        return self


class KeepAll(Selection):
    """No selection: the model gets everything."""

    KIND = "no selection"

    def fit(self, features: pd.DataFrame, outcome: Outcome | None = None) -> Self:  # noqa: ARG002
        """Remember the columns."""
        return self._keep(features.columns, np.full(features.shape[1], np.nan))
