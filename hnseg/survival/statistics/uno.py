"""Uno's C-index, which does not depend on how long the patients who are scored were followed up."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics.censoring import censoring_survival
from hnseg.survival.statistics.concordance import pairs_by_event


def uno_concordance(train: Outcome, test: Outcome, risk: ArrayLike, tau_days: float | None = None) -> float:
    """C-index of pairs weighted by the inverse probability of being comparable; risk greater means event earlier.

    Uno et al. 2011 (doi:10.1002/sim.4154), equation 6: pairs whose earlier patient has the event before ``tau_days``,
    each weighted by ``1 / G**2``. Ties as in :func:`hnseg.survival.statistics.concordance.concordance`.

    Two departures where times are tied. G is taken just before the event, P(C >= t), because a pair is seen where the
    follow-up of both lasts until t; scikit-survival 0.28 takes P(C > t) for the same pairs and is biased where events
    and censoring share days (its issue 428). And a patient whose follow-up ends on the day of another one's event is
    later than they, as in Harrell's C; survAUC leaves that pair out.

    Args:
        train: the patients that the censoring is learnt from.
        test: the patients scored.
        risk: (n,) of the latter.
        tau_days: pairs with a later event do not count; None, or a time after the training patients' last one: all up
            to and with that last time, after which G is not known.

    Returns:
        In [0, 1]; NaN where no pair counts.
    """
    censoring = censoring_survival(train)
    pairs = pairs_by_event(test.event, test.time_days, risk)
    times = test.time_days[pairs.row]
    counts = times <= censoring.last
    if tau_days is not None:
        counts &= times < tau_days
    weight = np.zeros(len(times))
    weight[counts] = censoring.before(times[counts]) ** -2.0
    comparable = weight @ pairs.comparable
    return float(weight @ (pairs.concordant + pairs.tied / 2) / comparable) if comparable > 0 else float("nan")
