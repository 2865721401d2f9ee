"""Round-robin imputation: every column that is not fully known is predicted from all others, again and again.

van Buuren & Groothuis-Oudshoorn 2011, doi:10.18637/jss.v045.i03, with the mean prediction instead of draws.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.table import numbers_of, spread
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

Array = NDArray[np.float64]


class RoundRobinImputer(Guarded):
    """Fills unknown values by ridge regressions on all other columns, left to right, for some rounds.

    The rounds are scikit-learn's ``IterativeImputer`` on standardised columns; they stop early when nothing changes any
    more. Columns without a gap in training get one regression on the completed table, so that a patient to come who
    lacks one is imputed, too, after the others. Nothing is imputed beyond the range that training patients have, which
    keeps binary and ordinal columns in theirs. Nothing is random, so there is no seed.

    Departure from the paper (ordinary regression): with more columns than patients that has no unique answer. The
    penalty is ``ridge`` times the number of predictors, which expects of all predictors together as much signal as
    noise, and hardly acts on a short clinical table.

    Args:
        rounds: at most so many.
        ridge: penalty a predictor, above 0.

    Attributes:
        columns_: of the training table; a table to come may lack some, which counts as unknown.
        dropped_: columns that no training patient has a value of.
        kept_: the others, in order.
        rounds_: how many were needed.
    """

    KIND = "round-robin imputer"

    def __init__(self, rounds: int = 10, ridge: float = 1.0) -> None:
        self.rounds = rounds
        self.ridge = ridge

    def fit(self, features: pd.DataFrame, outcome: Outcome | None = None) -> Self:  # noqa: ARG002
        """Learn ranges and regressions of (patients, columns); NaN is unknown.

        Raises:
            ValueError: an infinite value, or no column has any value.
        """
        table = numbers_of(features)
        known = table.notna().any(axis=0)
        self.columns_, self.dropped_ = list(table.columns), list(table.columns[~known])
        if not known.any():
            raise ValueError(f"none of the {len(known)} feature columns has a value in the training rows")
        self.kept_ = list(table.columns[known])
        values = table[self.kept_].to_numpy(np.float64)
        self.mean_, self.scale_ = np.nanmean(values, axis=0), spread(values)
        self.scale_ = np.where(self.scale_ > 0, self.scale_, 1.0)
        z = (values - self.mean_) / self.scale_
        self.low_, self.high_ = np.nanmin(z, axis=0), np.nanmax(z, axis=0)
        self._fit_regressions(z)
        return self

    def _fit_regressions(self, z: Array) -> None:
        penalty = self.ridge * max(z.shape[1] - 1, 1)
        imputer = self._rounds(z, penalty)
        self.rounds_ = int(imputer.n_iter_)
        complete = np.flatnonzero(~np.isnan(z).any(axis=0))
        steps = imputer.imputation_sequence_
        first, last = len(steps), len(complete)
        self.targets_ = np.array([*(step.feat_idx for step in steps), *complete], dtype=np.int64)
        self.coefficients_, self.intercepts_ = np.zeros((first + last, z.shape[1])), np.zeros(first + last)
        for number, step in enumerate(steps):
            self.coefficients_[number, step.neighbor_feat_idx] = step.estimator.coef_
            self.intercepts_[number] = step.estimator.intercept_
        coefficients, intercepts = each_on_the_others(self._filled(z), penalty)
        self.coefficients_[first:], self.intercepts_[first:] = coefficients[complete], intercepts[complete]

    def _rounds(self, z: Array, penalty: float) -> IterativeImputer:
        flat = self.high_ <= self.low_
        bounds = {"min_value": np.where(flat, -np.inf, self.low_), "max_value": np.where(flat, np.inf, self.high_)}
        imputer = IterativeImputer(
            Ridge(penalty), max_iter=self.rounds, imputation_order="roman", skip_complete=True, **bounds
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            imputer.fit(z)
        return imputer

    def _filled(self, z: Array) -> Array:
        unknown = np.isnan(z)
        filled = np.where(unknown, 0.0, z)
        for target, coefficients, intercept in zip(self.targets_, self.coefficients_, self.intercepts_, strict=True):
            rows = unknown[:, target]
            if rows.any():
                predicted = filled[rows] @ coefficients + intercept
                filled[rows, target] = np.clip(predicted, self.low_[target], self.high_[target])
        return filled

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``kept_``) without a gap; known values are left as they are.

        Raises:
            ValueError: an infinite value, or the table has none of the columns.
        """
        table = numbers_of(features)
        if not set(table.columns) & set(self.kept_):
            raise ValueError(f"the table has none of the features of the model, such as {self.kept_[0]!r}")
        values = table.reindex(columns=self.kept_).to_numpy(np.float64)
        filled = self._filled((values - self.mean_) / self.scale_) * self.scale_ + self.mean_
        return pd.DataFrame(np.where(np.isnan(values), filled, values), table.index, self.kept_)

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        names = {"columns": self.columns_, "kept": self.kept_, "rounds": self.rounds_}
        arrays = {name: getattr(self, f"{name}_") for name in (*_COLUMNWISE, "targets", "coefficients", "intercepts")}
        return {"kind": self.KIND, "parameters": self.get_params(), **names, **arrays}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted imputer of a plain state.

        Raises:
            ValueError: it is not such a state.
        """
        keys = ("parameters", "columns", "kept", "rounds", *_COLUMNWISE, "targets", "coefficients", "intercepts")
        state = State(plain, cls.KIND, keys)
        self = cls(**state.parameters(cls))
        self.columns_, self.kept_, self.dropped_ = state.kept_columns()
        self.rounds_ = int(state.number("rounds", 0))
        for name in _COLUMNWISE:
            setattr(self, f"{name}_", state.array(name, (len(self.kept_),)))
        if (self.scale_ <= 0).any():
            raise state.refuse("scale", "above 0")
        self.targets_ = state.places("targets", (None,), len(self.kept_))
        self.coefficients_ = state.array("coefficients", (len(self.targets_), len(self.kept_)))
        self.intercepts_ = state.array("intercepts", (len(self.targets_),))
        return self


_COLUMNWISE = ("mean", "scale", "low", "high")


def each_on_the_others(z: Array, penalty: float) -> tuple[Array, Array]:
    """Ridge regressions of every column of (n, p) on all others, with an unpenalised intercept.

    With P the inverse of the penalised Gram matrix of centred columns, column j has the coefficients -P[j] / P[j, j]:
    the normal equations by blocks. One inverse serves all p regressions.

    Returns:
        (p, p) coefficients, row j those of column j with 0 for itself, and (p,) intercepts.
    """
    mean = z.mean(axis=0)
    centred = z - mean
    inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(z.shape[1]))
    coefficients = -inverse / np.diag(inverse)[:, None]
    np.fill_diagonal(coefficients, 0.0)
    return coefficients, mean - coefficients @ mean
