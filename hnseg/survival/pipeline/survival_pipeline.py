"""From a table with gaps to risks: preprocessing and a model, both fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.models.registry import MODELS, kind_of
from hnseg.survival.objects import SurvivalModel
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.state import State


@dataclass(frozen=True, eq=False)
class SurvivalPipeline:
    """A fitted preprocessing, then a model that was fitted on what it gives."""

    KIND: ClassVar[str] = "survival pipeline"

    preprocessing: Preprocessing
    model: SurvivalModel

    @property
    def selected_(self) -> list[str]:
        """The features that the model was given, in order."""
        return self.preprocessing.selected_

    def risk(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """(n,): greater means earlier."""
        risk: NDArray[np.float64] = self.model.risk(self.preprocessing.transform(features))
        return risk

    def survival(self, features: pd.DataFrame, times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, times): probability of no event until each time."""
        survival: NDArray[np.float64] = self.model.survival(self.preprocessing.transform(features), times_days)
        return survival

    def importances(self) -> pd.DataFrame:
        """The model's, a row a selected feature."""
        importances: pd.DataFrame = self.model.importances()
        return importances

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        states = {"preprocessing": self.preprocessing.to_plain(), "state": self.model.to_plain()}
        return {"kind": self.KIND, "model": kind_of(self.model), **states}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted pipeline of a plain state.

        Raises:
            ValueError: it is not such a state, or the model was fitted on other features than the preprocessing gives.
        """
        state = State(plain, cls.KIND, ("preprocessing", "model", "state"))
        kind = state.text("model")
        if kind not in MODELS:
            raise state.refuse("model", f"one of {', '.join(MODELS)}")
        preprocessing = Preprocessing.from_plain(plain["preprocessing"])
        self = cls(preprocessing, MODELS[kind].read(plain["state"]))
        if set(self.importances()["feature"]) != set(self.selected_):
            raise state.refuse("state", "of a model that was fitted on the selected features")
        return self
