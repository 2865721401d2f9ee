"""How uncertain a cross-validated C-index is: patients drawn again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.statistics.concordance import pair_matrices
from hnseg.survival.statistics.folds import FoldRisks, by_repeat

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """Ends of an interval; NaN where there is none."""

    low: float
    high: float


def bootstrap_interval(
    folds: Sequence[FoldRisks],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """95 % percentile bootstrap interval (Efron 1979, doi:10.1214/aos/1176344552) of the mean of the folds' C-indices.

    Folds without a comparable pair are left out of the mean; with repeats it is the mean of theirs. Patients are drawn
    with replacement within folds; models are not fitted anew, so the interval says how uncertain the score of these
    models is, not how models of other training patients would spread. What is uncertain are the patients, not the
    repeats: a resample draws patients once, within the folds of the first repeat, and is scored by all repeats, whose
    mean it is. Risk greater means event earlier.

    Args:
        folds: the out-of-fold risks.
        resamples: how many.
        seed: of the draws; the same patients are drawn for every model of the same folds.

    Returns:
        NaN where fewer than half of the resamples have a comparable pair.
    """
    values = bootstrap_concordances(folds, resamples=resamples, seed=seed)
    known = values[~np.isnan(values)]
    if 2 * len(known) < max(len(values), 1):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(low), float(high))


def bootstrap_concordances(folds: Sequence[FoldRisks], *, resamples: int = 1000, seed: int = 0) -> Floats:
    """(resamples,) the C-index of each resample, as :func:`bootstrap_interval` draws them; NaN without a pair.

    Those of two models of the same folds are paired: their difference has an interval, too. Memory is O(n^2) in the
    size of a fold.
    """
    repeats = by_repeat(folds)
    if not repeats:
        return np.full(resamples, np.nan)
    strata = [fold.test.patients for fold in repeats[0]]
    weights = _draw(strata, resamples, seed)
    column = {patient: number for number, patient in enumerate(p for stratum in strata for p in stratum)}
    return _nanmean(np.stack([_score(of_repeat, column, weights) for of_repeat in repeats]))


def _draw(strata: Sequence[Sequence[str]], resamples: int, seed: int) -> Floats:
    """(resamples, patients) how often each was drawn; a stratum keeps its size."""
    rng = np.random.Generator(np.random.Philox(seed))
    drawn = [
        rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples) for names in strata if names
    ]
    return np.concatenate(drawn, axis=1).astype(float)


def _score(of_repeat: Sequence[FoldRisks], column: dict[str, int], weights: Floats) -> Floats:
    good, comparable = [], []
    for fold in of_repeat:
        drawn = weights[:, [column[patient] for patient in fold.test.patients]]
        pairs, concordant, tied = pair_matrices(fold.test.event, fold.test.time_days, fold.risk)
        # two draws of one patient make no pair, because nobody is comparable with themselves
        earlier = drawn[:, fold.test.event]
        good.append(np.einsum("ri,ri->r", drawn @ (concordant + tied / 2).T, earlier))
        comparable.append(np.einsum("ri,ri->r", drawn @ pairs.T.astype(float), earlier))
    return _nanmean(_ratio(np.stack(good), np.stack(comparable)))


def _ratio(good: Floats, comparable: Floats) -> Floats:
    return np.divide(good, comparable, out=np.full(good.shape, np.nan), where=comparable > 0)


def _nanmean(values: Floats) -> Floats:
    """Mean over the first axis of what is known."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(float))
