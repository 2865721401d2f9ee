"""Random survival forest: fitted by scikit-survival, kept and asked as plain arrays."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.models.base import TableModel
from hnseg.survival.models.curves import step_columns
from hnseg.survival.models.design import training_design
from hnseg.survival.models.trees import Trees, taken_apart
from hnseg.survival.objects import Outcome
from hnseg.survival.state import State


class RandomSurvivalForest(TableModel):
    """Trees of log-rank splits, each on a bootstrap sample, with a random part of the features at each split.

    Ishwaran et al. 2008 (doi:10.1214/08-AOAS169). Bourigault et al. 2021 used 10 trees, at least 10 patients to split
    and 1 in a leaf, and the square root of the number of features at a split; here 100 trees are the default.

    The risk is the number of events expected of a patient over all event times of the training patients: the sum of the
    cumulative hazard at these times, mean over trees. Survival is the mean of the leaves' Kaplan-Meier curves.

    Args:
        trees: how many.
        min_split: patients that it takes to split a node.
        min_leaf: patients in a leaf, at least.
        seed: of bootstrap samples and features.
    """

    KIND = "random survival forest"
    STATE_KEYS = ("trees",)

    def __init__(self, trees: int = 100, min_split: int = 10, min_leaf: int = 1, seed: int = 0) -> None:
        self.trees = trees
        self.min_split = min_split
        self.min_leaf = min_leaf
        self.seed = seed

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit to finite features.

        Raises:
            ValueError: scikit-survival is not installed, nobody had the event, there is no feature, a value is not
                finite, or a parameter is out of range.
        """
        try:  # GPL, so an extra, and imported only where a forest is fitted
            from sksurv.ensemble import RandomSurvivalForest as Forest
            from sksurv.util import Surv
        except ImportError as error:
            raise ValueError("a random survival forest needs scikit-survival: install hnseg[forest]") from error
        names, values, event, time_days = training_design(features, outcome, patients=2, events=1)
        self._fitted_on(names, values, event, time_days)
        forest = Forest(
            n_estimators=self.trees,
            min_samples_split=self.min_split,
            min_samples_leaf=self.min_leaf,
            max_features="sqrt",
            n_jobs=1,
            random_state=self.seed,
        )
        self.trees_ = taken_apart(forest.fit(values, Surv.from_arrays(event, time_days)))
        return self

    def _risk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.trees_.mean(self.trees_.hazard.sum(axis=1), self.trees_.leaves(values))

    def _survival(self, values: NDArray[np.float64], times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        curves = self.trees_.mean(self.trees_.survival, self.trees_.leaves(values))
        return step_columns(self.trees_.times_days, curves, times_days, before=1.0)

    def _state(self) -> dict[str, Any]:
        return {"trees": self.trees_.to_plain()}

    def _restore(self, state: State) -> None:
        self.trees_ = Trees.from_plain(state.plain["trees"], len(self.columns_))
