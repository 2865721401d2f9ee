"""From a table of features to the numbers that a model computes with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.table import numbers_of


def design(features: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """(n, features) float64 of the columns that a model was fitted on, in its order; further columns are left out.

    Raises:
        ValueError: a column is missing, there twice or not numeric, or a value is not finite.
    """
    if missing := [name for name in names if name not in features.columns]:
        raise ValueError(
            f"{len(missing)} features are missing that the model was fitted on, such as {missing[0]!r}; give the "
            "table that its own pipeline makes"
        )
    table = numbers_of(features[list(names)])
    values = table.to_numpy(dtype=np.float64)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise ValueError(f"feature {names[column]!r} of patient {features.index[row]} is not known; impute first")
    return values


def training_design(
    features: pd.DataFrame, outcome: Outcome, patients: int, events: int
) -> tuple[list[str], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """What a model is fitted on: names of the features, their values (n, features), event (n,) and time in days (n,).

    Args:
        patients: how many it takes.
        events: how many of them with an event.

    Raises:
        ValueError: there is no feature, a value is not finite, or too few patients or events were seen.
    """
    assert tuple(features.index) == outcome.patients
    names = [str(name) for name in features.columns]
    if not names:
        raise ValueError("there is no feature to fit a model on; select at least one")
    if len(outcome) < patients or outcome.event.sum() < events:
        raise ValueError(
            f"the event was seen in {outcome.event.sum()} of {len(outcome)} training patients; the model needs "
            f"{patients} patients, {events} of them with it. Use an endpoint with more events, or fewer folds"
        )
    return names, design(features, names), outcome.event, outcome.time_days
