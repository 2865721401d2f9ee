"""Medians and means over units that share patients, with intervals that know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_PATIENTS = 2
"""With one patient there is nobody else to draw."""
AT_ONCE = 2_000_000
"""Weights that are held at a time: 16 MB."""


class Estimate(NamedTuple):
    """A number and its interval; all nan where there is nothing, the interval nan where there is one patient."""

    value: float
    low: float
    high: float


def over_patients(
    values: NDArray[np.float64],
    patients: Sequence[str],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Estimate, Estimate]:
    """Median and mean of all units, each with a percentile interval of a bootstrap that draws whole patients.

    Slices of a patient resemble each other, so units are not drawn by themselves: as many patients as there are, are
    drawn with replacement, each with all of their units (the cluster bootstrap; Field and Welsh 2007,
    doi:10.1111/j.1467-9868.2007.00593.x). The same seed draws the same patients for every table of the same patients,
    whatever the values are.

    Args:
        values: (n,) a unit, finite; a patient has one or several.
        patients: (n,) whose each is.
        resamples: bootstrap samples.
        confidence: of the intervals.
        seed: of the draws.
    """
    assert len(values) == len(patients), f"{len(values)} values of {len(patients)} patients"
    assert np.isfinite(values).all(), "values that are not finite"
    if len(values) == 0:
        nothing = Estimate(np.nan, np.nan, np.nan)
        return nothing, nothing
    names, whose = np.unique(np.asarray(patients, str), return_inverse=True)
    median, mean = float(np.median(values)), float(np.mean(values))
    if len(names) < LEAST_PATIENTS:
        return Estimate(median, np.nan, np.nan), Estimate(mean, np.nan, np.nan)
    rng = np.random.default_rng([seed, len(names)])
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    medians = _interval(resampled_medians(values, whose, drawn), tails)
    sums, sizes = np.bincount(whose, weights=values), np.bincount(whose)
    means = _interval((drawn @ sums) / (drawn @ sizes), tails)
    return Estimate(median, *medians), Estimate(mean, *means)


def resampled_medians(
    values: NDArray[np.float64], whose: NDArray[np.integer[Any]], drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(resamples,) medians of values that count as often as their patient was drawn.

    Args:
        values: (n,) of slices or other units.
        whose: (n,) the patient of each, counted from 0.
        drawn: (resamples, patients) how often each patient was drawn.
    """
    order = np.argsort(values, kind="stable")
    ordered, owners = values[order], whose[order]
    medians = np.empty(len(drawn))
    step = max(1, AT_ONCE // len(values))
    for first in range(0, len(drawn), step):
        reached = np.cumsum(drawn[first : first + step][:, owners], axis=1)
        total = reached[:, -1:]
        # the two middle ones of an even number, or the middle one twice
        places = [np.argmax(reached > middle, axis=1) for middle in ((total - 1) // 2, total // 2)]
        medians[first : first + step] = (ordered[places[0]] + ordered[places[1]]) / 2
    return medians


def _interval(replicates: NDArray[np.float64], tails: tuple[float, float]) -> tuple[float, float]:
    low, high = np.quantile(replicates, tails)
    return float(low), float(high)
