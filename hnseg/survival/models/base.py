"""What the models of this folder share: how they are asked, how they say what matters, and their plain state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.models.design import design
from hnseg.survival.models.permutation import KIND, permutation_importances
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

_INTERVAL = ("value", "low", "high")
TrainingRows = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]


class TableModel(Guarded, ABC):
    """A model of the columns that it was fitted on; a subclass has ``fit``, which calls :meth:`_fitted_on` first.

    Attributes:
        columns_: names of these columns.
    """

    KIND: ClassVar[str]
    STATE_KEYS: ClassVar[tuple[str, ...]]
    """Keys of the plain state that are a subclass's own."""

    seed: int

    def _fitted_on(self, names: list[str], *training: *TrainingRows) -> None:
        """Keep what was fitted on until importances are asked for, and forget those of an earlier fit."""
        self.columns_ = names
        self._training = training
        self.__dict__.pop("importances_", None)

    @abstractmethod
    def _risk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, features) to (n,), greater is earlier."""

    @abstractmethod
    def _survival(self, values: NDArray[np.float64], times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, features) and (times,) to (n, times)."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """The values of ``STATE_KEYS``."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Set the fitted attributes from the values of ``STATE_KEYS``, or raise ValueError."""

    def risk(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """(n,): greater means earlier.

        Raises:
            ValueError: a column is missing or a value is not finite.
        """
        return self._risk(design(features, self.columns_))

    def survival(self, features: pd.DataFrame, times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, times): probability of no event until each time; what it is at the last event stays from there on.

        Raises:
            ValueError: a column is missing or a value is not finite.
        """
        return self._survival(design(features, self.columns_), np.asarray(times_days, dtype=np.float64))

    def importances(self) -> pd.DataFrame:
        """Of the training rows, see :func:`permutation_importances`; computed when they are first asked for."""
        if not hasattr(self, "importances_"):
            self.importances_ = permutation_importances(self._risk, self.columns_, *self._training, self.seed)
        return self.importances_.copy()

    def to_plain(self) -> dict[str, Any]:
        """JSON types and arrays; all that prediction needs, and the importances."""
        table = self.importances()
        return {
            "kind": self.KIND,
            "parameters": self.get_params(),
            "columns": list(self.columns_),
            "importances": table[list(_INTERVAL)].to_numpy(dtype=np.float64),
            **self._state(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The model of :meth:`to_plain`; its importances are those that were saved.

        Raises:
            ValueError: it is not the state of such a model.
        """
        state = State(plain, cls.KIND, ("parameters", "columns", "importances", *cls.STATE_KEYS))
        model = cls(**state.parameters(cls))
        model.columns_ = state.names("columns")
        table = state.array("importances", (len(model.columns_), len(_INTERVAL)))
        columns = dict(zip(_INTERVAL, table.T, strict=True))
        model.importances_ = pd.DataFrame({"feature": model.columns_, **columns, "kind": KIND})
        model._restore(state)
        return model
