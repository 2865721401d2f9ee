"""Hyper-parameters chosen within the training patients, by cross-validation of everything that is learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from hnseg.survival.failures import STOPS, reason
from hnseg.survival.models.registry import ModelKind
from hnseg.survival.objects import Outcome, SurvivalModel
from hnseg.survival.pipeline.partial_likelihood import RiskSets
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.sentinel import training_rows
from hnseg.survival.statistics import FoldRisks, pooled_concordance


@dataclass(frozen=True, eq=False)
class InnerPart:
    """An inner fold with its own preprocessing behind it: the same for all models and hyper-parameters."""

    fit_features: pd.DataFrame
    fit_outcome: Outcome
    test_features: pd.DataFrame
    test_outcome: Outcome


def inner_parts(
    features: pd.DataFrame, outcome: Outcome, folds: int, seed: int, preprocessing: Callable[[], Preprocessing] | None
) -> list[InnerPart]:
    """Inner folds of training patients, drawn so that each has its share of events.

    Args:
        features: (training patients, features).
        outcome: theirs, in the same order.
        folds: how many.
        seed: of the draw.
        preprocessing: makes an unfitted one, which each fold fits to its own training part; None where ``features`` are
            preprocessed already, which only the paper's protocol does.

    Raises:
        LeakError: a patient is no declared training row.
    """
    parts = []
    for fit_rows, test_rows in _inner_rows(outcome, folds, seed):
        fit_features, test_features = features.iloc[fit_rows], features.iloc[test_rows]
        fit_outcome, test_outcome = outcome.of(fit_features.index), outcome.of(test_features.index)
        with training_rows(fit_features.index):
            if preprocessing is not None:
                fitted = preprocessing().fit(fit_features, fit_outcome)
                fit_features, test_features = fitted.transform(fit_features), fitted.transform(test_features)
        parts.append(InnerPart(fit_features, fit_outcome, test_features, test_outcome))
    return parts


def _inner_rows(outcome: Outcome, folds: int, seed: int) -> Iterator[tuple[Any, Any]]:
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(outcome)), outcome.event)


def tune(kind: ModelKind, parts: Sequence[InnerPart], seed: int) -> dict[str, Any]:
    """The hyper-parameters with the greatest score over the inner folds; of equal ones the first of the grid.

    The score is the pooled C-index, or, of a model whose risk is a log hazard ratio
    (:attr:`hnseg.survival.models.registry.ModelKind.log_hazard`), the cross-validated partial likelihood of Verweij &
    van Houwelingen 1993, doi:10.1002/sim.4780122407: that of all training patients less that of those fitted to.

    Hyper-parameters with which the model cannot be fitted in some inner fold are passed over.

    Raises:
        ValueError: it cannot be fitted with any of them.
    """
    if len(kind.grid) == 1:
        return dict(kind.grid[0])
    scores: list[float] = []
    reasons: list[str] = []
    for parameters in kind.grid:
        try:
            score = (_inner_likelihood if kind.log_hazard else _inner_concordance)(kind, parameters, parts, seed)
        except STOPS:
            raise
        except Exception as error:  # of four libraries
            reasons.append(reason(error))
            score = -np.inf
        scores.append(-np.inf if np.isnan(score) else score)
    if max(scores) == -np.inf:
        why = reasons[0] if reasons else "no pair of patients can be compared"
        raise ValueError(f"no hyper-parameters of the grid work in the inner folds ({why})")
    return dict(kind.grid[int(np.argmax(scores))])


def _inner_concordance(kind: ModelKind, parameters: Mapping[str, Any], parts: Sequence[InnerPart], seed: int) -> float:
    tested = []
    for part in parts:
        model = _inner_fit(kind, parameters, part, seed)
        tested.append(FoldRisks(part.test_outcome, model.risk(part.test_features)))
    return pooled_concordance(tested)


def _inner_likelihood(kind: ModelKind, parameters: Mapping[str, Any], parts: Sequence[InnerPart], seed: int) -> float:
    score = 0.0
    for part in parts:
        model = _inner_fit(kind, parameters, part, seed)
        fitted, tested = model.risk(part.fit_features), model.risk(part.test_features)
        everybody = _together(part.fit_outcome, part.test_outcome)
        score += RiskSets.of(everybody).log_likelihood(np.concatenate([fitted, tested])) * len(everybody)
        score -= RiskSets.of(part.fit_outcome).log_likelihood(fitted) * len(fitted)
    return score


def _inner_fit(kind: ModelKind, parameters: Mapping[str, Any], part: InnerPart, seed: int) -> SurvivalModel:
    with training_rows(part.fit_features.index):
        return kind.make(seed, **parameters).fit(part.fit_features, part.fit_outcome)


def _together(first: Outcome, second: Outcome) -> Outcome:
    event = np.concatenate([first.event, second.event])
    return Outcome(first.patients + second.patients, event, np.concatenate([first.time_days, second.time_days]))
