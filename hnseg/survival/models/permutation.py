"""Importance of a feature: how much worse patients are ranked when its values are shuffled among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.statistics import concordance

KIND = "drop in C-index"
SHUFFLES = 10

Risk = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def permutation_importances(
    risk: Risk,
    names: list[str],
    values: NDArray[np.float64],
    event: NDArray[np.bool_],
    time_days: NDArray[np.float64],
    seed: int,
) -> pd.DataFrame:
    """Harrell's C of the rows given less that with one feature shuffled, over ten shuffles.

    Breiman 2001 (doi:10.1023/A:1010933404324), with the index of concordance for accuracy, and on the rows given: where
    those are the training rows it says what the model uses, not what would help on others.

    Args:
        risk: (n, features) to (n,).
        names: of the features.
        values: (n, features)
        event: (n,)
        time_days: (n,)
        seed: of the shuffles; a feature's do not depend on the others.

    Returns:
        A row a feature: ``feature``, ``value`` (mean), ``low`` and ``high`` (2.5th and 97.5th percentile of the
        shuffles), ``kind``. All are 0 where no two patients can be compared.
    """
    whole = concordance(event, time_days, risk(values))
    drops = np.empty((len(names), SHUFFLES))
    for column in range(len(names)):
        rng = np.random.default_rng([seed, column])
        shuffled = values.copy()
        for turn in range(SHUFFLES):
            shuffled[:, column] = rng.permutation(values[:, column])
            drops[column, turn] = whole - concordance(event, time_days, risk(shuffled))
    drops = np.nan_to_num(drops)
    low, high = np.percentile(drops, [2.5, 97.5], axis=1)
    return pd.DataFrame({"feature": names, "value": drops.mean(axis=1), "low": low, "high": high, "kind": KIND})
