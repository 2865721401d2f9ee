"""The correlation filter: of features that rank patients alike one is enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.table import numbers_of
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

_ROUNDING = 1e-12


def spearman(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(p, p) rank correlations of the columns of (n, p), ties with their mean rank; 0 with a constant column."""
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    norm = np.linalg.norm(ranks, axis=0)
    unit = ranks / np.where(norm > 0, norm, 1.0)
    return unit.T @ unit


class CorrelationFilter(Guarded):
    """Drops the later column of every pair whose Spearman correlation is above a threshold, either sign.

    Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18: Spearman at 0.80; which one of a pair goes is from their
    notebook. A pair counts even if its earlier column goes because of a third one, as there.

    Args:
        threshold: absolute correlation above which a pair is one too many; 1 keeps every column.

    Attributes:
        columns_: of the training table.
        dropped_, kept_: which went and which stayed, in order.
    """

    KIND = "correlation filter"

    def __init__(self, threshold: float = 0.80) -> None:
        self.threshold = threshold

    def fit(self, features: pd.DataFrame, outcome: Outcome | None = None) -> Self:  # noqa: ARG002
        """Learn from (patients, columns) without gaps."""
        table = numbers_of(features)
        assert table.notna().all(axis=None), "impute first"
        pairs = np.abs(spearman(table.to_numpy(np.float64))) > self.threshold + _ROUNDING
        later = pd.Series(np.triu(pairs, 1).any(axis=0), table.columns)
        self.columns_ = list(table.columns)
        self.dropped_, self.kept_ = list(table.columns[later]), list(table.columns[~later])
        return self

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """(patients, ``kept_``)."""
        return features[self.kept_]

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        return {"kind": self.KIND, "parameters": self.get_params(), "columns": self.columns_, "kept": self.kept_}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted filter of a plain state.

        Raises:
            ValueError: it is not such a state.
        """
        state = State(plain, cls.KIND, ("parameters", "columns", "kept"))
        self = cls(**state.parameters(cls))
        self.columns_, self.kept_, self.dropped_ = state.kept_columns()
        return self
