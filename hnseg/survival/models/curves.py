"""Survival curves between the times at which they are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.state import State


def step_columns(
    known_days: NDArray[np.float64], curves: NDArray[np.float64], times_days: NDArray[np.float64], before: float
) -> NDArray[np.float64]:
    """(n, times) of step functions that keep their value until the next known time, and after the last.

    Args:
        known_days: (known,) rising.
        curves: (n, known) or (known,) values from each of these times on.
        times_days: (times,) where to read them.
        before: the value before the first known time.
    """
    place = np.searchsorted(known_days, times_days, side="right")
    padded = np.concatenate([np.full((*curves.shape[:-1], 1), before), curves], axis=-1)
    return padded[..., place]


def breslow(
    event: NDArray[np.bool_], time_days: NDArray[np.float64], log_risk: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulative baseline hazard at the times of events, after Breslow 1972 (in the discussion of Cox's paper).

    Returns:
        The distinct times of events in days, rising, and the cumulative hazard of a log risk of 0 at each.
    """
    times_days = np.unique(time_days[event])
    relative = np.exp(log_risk)
    at_risk = np.array([relative[time_days >= time].sum() for time in times_days])
    events = np.array([(time_days[event] == time).sum() for time in times_days])
    return times_days, np.cumsum(events / at_risk)


def read_times(state: State, key: str) -> NDArray[np.float64]:
    """Rising times in days, at least one, all above 0; ValueError where they are not."""
    times = state.array(key, (None,))
    if len(times) == 0 or (np.diff(times, prepend=0.0) <= 0).any():
        raise state.refuse(key, "times above 0 that rise")
    return times
