"""The published selection, for comparison: a Lasso on days that takes censored follow-up for the time to an event."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lasso_path
from sklearn.model_selection import KFold

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.scale import Standardiser
from hnseg.survival.pipeline.selection import Selection
from hnseg.survival.sentinel import training_rows

Array = NDArray[np.float64]

ALPHAS = np.arange(1, 100) / 10
"""0.1 to 9.9, in days: the published grid."""
FOLDS = 5


class PlainLasso(Selection):
    """Keeps the features of a linear regression of time in days with an L1 penalty, by squared error in five folds.

    Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18, and their notebook: 99 penalties, folds in the order of
    the rows, the penalty with the least mean squared error. It ignores who is censored; theirs came out at the edge of
    the grid. If nothing is left, the feature that would enter first is kept, so that there is a model.

    Attributes:
        alpha_: the chosen penalty, days.
        at_edge_: whether it is the first or the last of the grid, so that a better one may lie beyond.
        fallback_: whether the Lasso had kept nothing.
        errors_: (alphas,) mean squared error of the patients left out, days squared; not in the plain state.
        values_: (kept,) coefficients, days per SD: positive means later.
    """

    KIND, NUMBERS, FLAGS = "plain Lasso", ("alpha",), ("at_edge", "fallback")

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Choose among (patients, columns) without gaps.

        Raises:
            ValueError: fewer patients than folds, or no column that varies.
        """
        if len(outcome) < FOLDS:
            raise ValueError(f"Lasso: {len(outcome)} patients, needs {FOLDS} or more")
        standard = Standardiser().fit(features, outcome)
        if not standard.kept_:
            raise ValueError(f"Lasso: none of {features.shape[1]} features varies")
        self.errors_ = self._cross_validated(features, outcome)
        best = int(np.argmin(self.errors_))
        self.alpha_, self.at_edge_ = float(ALPHAS[best]), best in (0, len(ALPHAS) - 1)
        x = standard.transform(features).to_numpy(np.float64)
        coefficients = _path(x, outcome.time_days)[best]
        self.fallback_ = not coefficients.any()
        if self.fallback_:
            slopes = x.T @ (outcome.time_days - outcome.time_days.mean()) / len(x)
            coefficients = np.where(np.arange(len(slopes)) == np.abs(slopes).argmax(), slopes, 0.0)
        whole = pd.Series(coefficients, standard.kept_).reindex(features.columns, fill_value=0.0)
        return self._keep(features.columns, whole.to_numpy(np.float64))

    def _cross_validated(self, features: pd.DataFrame, outcome: Outcome) -> Array:
        """(alphas,) mean over folds of the mean squared error of the patients left out, days squared."""
        errors = np.zeros(len(ALPHAS))
        for train, test in KFold(FOLDS).split(features):
            kept = outcome.of(outcome.patients[row] for row in train)
            with training_rows(kept.patients):
                standard = Standardiser().fit(features.iloc[train], kept)
            x = standard.transform(features).to_numpy(np.float64)
            predicted = kept.time_days.mean() + x[test] @ _path(x[train], kept.time_days).T
            errors += ((predicted - outcome.time_days[test, None]) ** 2).mean(axis=0) / FOLDS
        return errors


def _path(x: Array, time_days: Array) -> Array:
    """(alphas, p) coefficients of (n, p) centred features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        path = lasso_path(np.asfortranarray(x), time_days - time_days.mean(), alphas=ALPHAS[::-1])[1]
    coefficients: Array = path.T[::-1]
    return coefficients
