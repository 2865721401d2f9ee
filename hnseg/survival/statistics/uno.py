"""Uno's C-index, which weighs pairs so that it does not depend on how long patients were followed up."""

from __future__ import annotations

from numpy.typing import ArrayLike

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.censoring import censoring_survival
from hnseg.survival.statistics.concordance import pairs_by_event


def uno_concordance(outcome: Outcome, risk: ArrayLike, tau_days: float | None = None) -> float:
    """C-index of pairs weighted by the inverse probability of being comparable; risk greater means event earlier.

    Uno et al. 2011 (doi:10.1002/sim.4154), equation 6: pairs whose earlier patient has the event before ``tau_days``,
    each weighted by ``1 / G**2``, where G is estimated from the patients scored. Ties as in
    :func:`hnseg.survival.statistics.concordance.concordance`.

    Two departures where times are tied. G is taken just before the event, P(C >= t), because a pair is seen where the
    follow-up of both lasts until t; scikit-survival 0.28 takes P(C > t) for the same pairs and is biased where events
    and censoring share days (its issue 428). And a patient whose follow-up ends on the day of another one's event is
    later than they, as in Harrell's C; survAUC leaves that pair out.

    Args:
        outcome: of the patients scored.
        risk: (n,) of them.
        tau_days: pairs whose event is then or later do not count; None: all do.

    Returns:
        In [0, 1]; NaN where no pair counts.
    """
    pairs = pairs_by_event(outcome.event, outcome.time_days, risk)
    times = outcome.time_days[pairs.row]
    weight = censoring_survival(outcome).before(times) ** -2.0
    if tau_days is not None:
        weight[times >= tau_days] = 0.0
    comparable = weight @ pairs.comparable
    return float(weight @ (pairs.concordant + pairs.tied / 2) / comparable) if comparable > 0 else float("nan")
