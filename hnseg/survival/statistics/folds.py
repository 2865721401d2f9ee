"""C-index over the folds of a cross-validation, whose risks are each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.concordance import PairCounts, concordance_counts


@dataclass(frozen=True, eq=False)
class FoldRisks:
    """What one fold's model said of its test patients.

    Attributes:
        test: their outcome.
        risk: (n,) of them, in that order; greater means event earlier.
        repeat: which repeat of the cross-validation the fold belongs to; within one, nobody is tested twice.
        cut: above it a risk is high: the median of what the model said of the patients that it was fitted on; None
            where nobody asks.
    """

    test: Outcome
    risk: NDArray[np.float64]
    repeat: int = 0
    cut: float | None = None

    def __post_init__(self) -> None:
        assert self.risk.shape == (len(self.test),), f"{self.risk.shape} risks of {len(self.test)} patients"

    @property
    def counts(self) -> PairCounts:
        return concordance_counts(self.test.event, self.test.time_days, self.risk)


def pooled_concordance(folds: Sequence[FoldRisks]) -> float:
    """C-index over all pairs of patients of the same fold, every comparable pair of a repeat counting the same.

    Risks of different folds come from different models and are not compared; greater means event earlier, ties as in
    :func:`hnseg.survival.statistics.concordance.concordance`. With repeats it is the mean of theirs.

    Returns:
        In [0, 1]; NaN where no fold has a comparable pair.
    """
    return _mean([_pooled([fold.counts for fold in of_repeat]) for of_repeat in by_repeat(folds)])


def by_repeat(folds: Sequence[FoldRisks]) -> list[list[FoldRisks]]:
    """The folds of each repeat, in the order of their first.

    Raises:
        ValueError: somebody is tested twice in a repeat.
    """
    repeats: dict[int, list[FoldRisks]] = {}
    for fold in folds:
        repeats.setdefault(fold.repeat, []).append(fold)
    for number, of_repeat in repeats.items():
        tested = [patient for fold in of_repeat for patient in fold.test.patients]
        if len(set(tested)) < len(tested):
            twice = next(patient for patient in tested if tested.count(patient) > 1)
            raise ValueError(f"{twice} is in the test part of two folds of repeat {number}; once is right")
    return list(repeats.values())


def _pooled(counts: Sequence[PairCounts]) -> float:
    comparable = sum(count.comparable for count in counts)
    good = sum(count.concordant + count.tied / 2 for count in counts)
    return good / comparable if comparable else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
