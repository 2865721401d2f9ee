"""How good a fold's predictions for its test patients are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics import (
    concordance,
    cumulative_auc,
    integrated_brier,
    reference_survival,
    uno_concordance,
)

SCORES = ("c_index", "uno_c", "auc", "ibs", "ibs_reference")

_TIMES = 20


def score_times(horizon_days: float) -> NDArray[np.float64]:
    """(times,) evenly from shortly after the start to the horizon, which is the last: where survival is asked for."""
    return horizon_days * np.arange(1, _TIMES + 1) / _TIMES


def score_fold(
    train: Outcome, test: Outcome, risk: NDArray[np.float64], survival: NDArray[np.float64], times: NDArray[np.float64]
) -> dict[str, float]:
    """A fold's scores; NaN where its patients are too few, or were not watched for long enough, for one.

    How long patients are watched is learnt from those scored: that of another centre's patients may be quite another.

    Args:
        train: the patients that the model was fitted on.
        test: the patients scored.
        risk: (n,) greater means earlier.
        survival: (n, times) probability of no event until each time.
        times: (times,) days, the horizon last.

    Returns:
        ``c_index`` (Harrell), ``uno_c``, ``auc`` at the horizon and
        ``ibs``, the Brier score integrated up to it; ``ibs_reference``, the same of who knows no features and says for
        everybody what became of the training patients.
    """
    reference = reference_survival(train, len(test), times)
    return {
        "c_index": concordance(test.event, test.time_days, risk),
        "uno_c": uno_concordance(test, risk),
        "auc": float(cumulative_auc(test, risk, times[-1:])[0]),
        "ibs": integrated_brier(test, survival, times),
        "ibs_reference": integrated_brier(test, reference, times),
    }
