"""Selection by Cox regression with an L1 penalty, which inner folds choose."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.cox_path import cox_path, penalty_grid
from hnseg.survival.pipeline.partial_likelihood import RiskSets
from hnseg.survival.pipeline.scale import Standardiser
from hnseg.survival.pipeline.selection import Selection
from hnseg.survival.sentinel import training_rows

Array = NDArray[np.float64]


class CoxLasso(Selection):
    """Keeps the features of the Cox-Lasso whose penalty predicts left-out patients best.

    Tibshirani 1997, doi:10.1002/(SICI)1097-0258(19970228)16:4<385::AID-SIM380>3.0.CO;2-3. Left-out patients score by
    the cross-validated partial likelihood of Verweij & van Houwelingen 1993, doi:10.1002/sim.4780122407: the log
    likelihood of everybody less that of the patients fitted to. The best score wins (``lambda.min`` of glmnet). Each
    inner fold declares its own training rows and standardises by them alone.

    If nothing is the best, the largest penalty of the grid that leaves something is used, so that there is a model.

    Args:
        folds: inner folds, fewer where there are fewer events; events are dealt evenly.
        penalties: how many are tried.
        seed: of the deal.

    Attributes:
        penalty_: the chosen one; of (log partial likelihood) / (patients), features standardised.
        fallback_: whether the best was to keep nothing.
        penalties_, scores_: (penalties,) what was tried and its score an event; not in the plain state.
        values_: (kept,) coefficients per SD.
    """

    KIND, NUMBERS, FLAGS = "Cox-Lasso", ("penalty",), ("fallback",)

    def __init__(self, folds: int = 5, penalties: int = 40, seed: int = 0) -> None:
        self.folds = folds
        self.penalties = penalties
        self.seed = seed

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Choose among (patients, columns) without gaps.

        Raises:
            ValueError: fewer than two events, or no column that has to do with them.
        """
        events = int(outcome.event.sum())
        if events < 2:
            raise ValueError(f"Cox-Lasso: {events} events among {len(outcome)} training patients, needs two or more")
        standard = Standardiser().fit(features, outcome)
        if not standard.kept_:
            raise ValueError(f"Cox-Lasso: none of {features.shape[1]} features varies among the training patients")
        x, risk_sets = standard.transform(features).to_numpy(np.float64), RiskSets.of(outcome)
        self.penalties_ = penalty_grid(x, risk_sets, self.penalties)
        path = cox_path(x, risk_sets, self.penalties_)
        self.scores_ = self._cross_validated(features, outcome)
        filled = np.abs(path).max(axis=1) > 0
        if not filled.any():
            raise ValueError(f"Cox-Lasso: none of {len(standard.columns_)} features has to do with the outcome")
        best = int(np.argmax(self.scores_))
        self.fallback_ = not bool(filled[best])
        chosen = int(np.argmax(filled)) if self.fallback_ else best
        self.penalty_ = float(self.penalties_[chosen])
        coefficients = pd.Series(path[chosen], standard.kept_).reindex(features.columns, fill_value=0.0)
        return self._keep(features.columns, coefficients.to_numpy(np.float64))

    def _cross_validated(self, features: pd.DataFrame, outcome: Outcome) -> Array:
        events = int(outcome.event.sum())
        whole, score = RiskSets.of(outcome), np.zeros(self.penalties)
        fold_of = deal(outcome.event, min(self.folds, events), self.seed)
        for fold in range(min(self.folds, events)):
            train = np.flatnonzero(fold_of != fold)
            kept = outcome.of(outcome.patients[row] for row in train)
            with training_rows(kept.patients):
                standard = Standardiser().fit(features.iloc[train], kept)
            x, part = standard.transform(features).to_numpy(np.float64), RiskSets.of(kept)
            predictors = x @ cox_path(x[train], part, self.penalties_).T
            score += [whole.log_likelihood(eta) * len(outcome) for eta in predictors.T]
            score -= [part.log_likelihood(eta) * len(kept) for eta in predictors[train].T]
        return score / events


def deal(event: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.intp]:
    """(n,) the fold of each patient: shuffled, then dealt round, those with an event first, so that both are even."""
    shuffled = np.random.default_rng(seed).permutation(len(event))
    fold_of = np.empty(len(event), dtype=np.intp)
    fold_of[shuffled[np.argsort(~event[shuffled], kind="stable")]] = np.arange(len(event)) % folds
    return fold_of
