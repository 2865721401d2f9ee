"""From a table with gaps to risks: preprocessing and a model, fitted on the same training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from hnseg.survival.models.registry import MODELS, kind_of
from hnseg.survival.objects import Outcome, SurvivalModel
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State


class SurvivalPipeline(Guarded):
    """Preprocessing, then a model; itself a model (:class:`hnseg.survival.objects.SurvivalModel`).

    Args:
        preprocessing, model: neither is fitted; their fitted copies are ``preprocessing_`` and ``model_``.

    Attributes:
        selected_: the features that the model was given, by their original names.
    """

    KIND = "survival pipeline"

    def __init__(self, preprocessing: Preprocessing, model: SurvivalModel) -> None:
        self.preprocessing = preprocessing
        self.model = model

    @classmethod
    def joined(cls, preprocessing: Preprocessing, model: SurvivalModel) -> Self:
        """The fitted pipeline of a fitted preprocessing and a model that was fitted on what it gives."""
        self = cls(clone(preprocessing), clone(model))
        self.preprocessing_, self.model_ = preprocessing, model
        return self

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit both to (patients, columns); NaN is unknown.

        Raises:
            ValueError: a step, or the model, cannot be fitted to these.
        """
        self.preprocessing_ = clone(self.preprocessing).fit(features, outcome)
        self.model_ = clone(self.model).fit(self.preprocessing_.transform(features), outcome)
        return self

    @property
    def selected_(self) -> list[str]:
        """The features that the model was given, in order."""
        return self.preprocessing_.selected_

    def risk(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """(n,): greater means earlier."""
        risk: NDArray[np.float64] = self.model_.risk(self.preprocessing_.transform(features))
        return risk

    def survival(self, features: pd.DataFrame, times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, times): probability of no event until each time."""
        survival: NDArray[np.float64] = self.model_.survival(self.preprocessing_.transform(features), times_days)
        return survival

    def importances(self) -> pd.DataFrame:
        """The model's, a row a selected feature."""
        importances: pd.DataFrame = self.model_.importances()
        return importances

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        states = {"preprocessing": self.preprocessing_.to_plain(), "state": self.model_.to_plain()}
        return {"kind": self.KIND, "model": kind_of(self.model_), **states}

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
        self = cls.joined(preprocessing, MODELS[kind].read(plain["state"]))
        if set(self.importances()["feature"]) != set(self.selected_):
            raise state.refuse("state", "of a model that was fitted on the selected features")
        return self


def build_pipeline(
    selection: str, model: SurvivalModel, *, correlation: float = 0.80, seed: int = 0
) -> SurvivalPipeline:
    """A pipeline to be fitted.

    Args:
        selection: a name of :data:`hnseg.survival.pipeline.preprocessing.SELECTIONS`.
        model: not yet fitted.
        correlation: absolute Spearman correlation above which the later feature of a pair goes; 1 keeps all.
        seed: of the selection's inner folds.
    """
    return SurvivalPipeline(Preprocessing(correlation, selection, seed), model)
