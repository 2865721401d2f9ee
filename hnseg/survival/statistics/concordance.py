"""How well risks order patients: Harrell's C, with ties as the HECKTOR challenge counts them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
FEW = 300
"""Patients up to whom looking at every pair is faster."""


class PairCounts(NamedTuple):
    """Pairs of patients: ordered as it came, not told apart by their risks, and all that can be compared."""

    concordant: int
    tied: int
    comparable: int


class PairsByEvent(NamedTuple):
    """Pairs with the patients who are known to have gone on longer, one entry an event.

    Attributes:
        row: whose event it is, as a place in the arrays given.
        concordant, tied, comparable: pairs of that patient with later ones.
    """

    row: Counts
    concordant: Counts
    tied: Counts
    comparable: Counts


def concordance(outcome_event: ArrayLike, outcome_time: ArrayLike, risk: ArrayLike) -> float:
    """Harrell's C-index: of all comparable pairs, the share in which the earlier patient has the greater risk.

    Risk greater means event earlier: 1 is a perfect order, 0.5 none, 0 the reverse. lifelines' ``concordance_index``
    has it the other way round (of ``-risk`` it gives the same); the challenge's ``Prediction`` column has it as here.

    Two patients are comparable where the one with the shorter time has the event; with equal times, where exactly one
    has it, who then is the earlier. Pairs with equal risks, infinite ones included, or with a risk that is NaN, count
    one half. That is the challenge's rule (HECKTOR 2021, doi:10.1007/978-3-030-98253-9_1) and Harrell's (Harrell et al.
    1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4), whose NaN are not defined.

    Args:
        outcome_event: (n,) whether the event was seen.
        outcome_time: (n,) until then or until the end of follow-up; any unit, finite.
        risk: (n,).

    Returns:
        In [0, 1]; NaN where no pair is comparable.
    """
    counts = concordance_counts(outcome_event, outcome_time, risk)
    return (counts.concordant + counts.tied / 2) / counts.comparable if counts.comparable else float("nan")


def concordance_counts(outcome_event: ArrayLike, outcome_time: ArrayLike, risk: ArrayLike) -> PairCounts:
    """The pairs that :func:`concordance` is made of; risk greater means event earlier.

    Time O(n log n), memory O(n).
    """
    pairs = pairs_by_event(outcome_event, outcome_time, risk)
    return PairCounts(int(pairs.concordant.sum()), int(pairs.tied.sum()), int(pairs.comparable.sum()))


def pairs_by_event(outcome_event: ArrayLike, outcome_time: ArrayLike, risk: ArrayLike) -> PairsByEvent:
    """As :func:`concordance_counts`, by the earlier patient of each pair; risk greater means event earlier."""
    event, time, risks = np.asarray(outcome_event, bool), np.asarray(outcome_time, float), np.asarray(risk, float)
    assert event.shape == time.shape == risks.shape == (event.size,), (event.shape, time.shape, risks.shape)
    assert np.isfinite(time).all(), "times that are not finite"
    if len(event) > FEW:
        return _by_rank(event, time, risks)
    comparable, concordant, tied = pair_matrices(event, time, risks)
    return PairsByEvent(np.flatnonzero(event), *(np.count_nonzero(m, axis=1) for m in (concordant, tied, comparable)))


def pair_matrices(event: Bools, time: Floats, risk: Floats) -> tuple[Bools, Bools, Bools]:
    """(events, n) of those with the event with all: comparable and the earlier of the two, concordant, tied in risk."""
    own_time, own_risk = time[event, None], risk[event, None]
    comparable = (time > own_time) | ((time == own_time) & ~event)
    concordant = comparable & (own_risk > risk)
    return comparable, concordant, comparable & ~concordant & ~(own_risk < risk)


def _by_rank(event: Bools, time: Floats, risks: Floats) -> PairsByEvent:
    """As :func:`pairs_by_event`, in time O(n log n)."""
    order = np.lexsort((~event, time))  # by time, and events before the end of follow-up on the same day
    event, time, risks = event[order], time[order], risks[order]
    places = np.flatnonzero(event)
    # those who come after all events of that time
    start = places + _left_in_run(time[places])
    known = ~np.isnan(risks)
    known_before = np.concatenate([[0], np.cumsum(known)])
    ranks = np.unique(risks[known], return_inverse=True)[1].astype(np.int64)
    concordant, tied = np.zeros(len(places), np.int64), np.zeros(len(places), np.int64)
    asked = known[places]
    own = ranks[known_before[places[asked]]]
    concordant[asked], tied[asked] = _count_less_and_equal(ranks, known_before[start[asked]], own)
    comparable = len(event) - start
    of_known = known_before[-1] - known_before[start]
    tied += np.where(asked, comparable - of_known, comparable)
    return PairsByEvent(order[places], concordant, tied, comparable)


def _left_in_run(ordered: Floats) -> Counts:
    """(n,) how many entries from each on have the same value, itself included."""
    return np.searchsorted(ordered, ordered, side="right") - np.arange(len(ordered))


def _count_less_and_equal(values: Counts, start: Counts, asked: Counts) -> tuple[Counts, Counts]:
    """For each question, how many of ``values[start:]`` are less than, and equal to, ``asked``.

    A wavelet matrix (Claude, Navarro and Ordonez 2015, doi:10.1016/j.is.2014.06.002): bit by bit, from the highest,
    values are parted into those without the bit and those with it, and every question follows its own number.

    Args:
        values: (n,) integers from 0.
        start: (questions,) places from 0 to n.
        asked: (questions,) integers from 0 to the greatest of the values.
    """
    less = np.zeros(len(asked), np.int64)
    low, high = start.copy(), np.full(len(asked), len(values))
    for bit in reversed(range(int(values.max(initial=0)).bit_length())):
        has = (values >> bit & 1).astype(bool)
        without_before = np.concatenate([[0], np.cumsum(~has)])
        low_without, high_without = without_before[low], without_before[high]
        goes_up: Bools = (asked >> bit & 1).astype(bool)
        less += np.where(goes_up, high_without - low_without, 0)
        low = np.where(goes_up, without_before[-1] + low - low_without, low_without)
        high = np.where(goes_up, without_before[-1] + high - high_without, high_without)
        values = np.concatenate([values[~has], values[has]])
    return less, high - low
