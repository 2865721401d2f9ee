"""The training log of a run, one row an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

RATE_PREFIX = "lr"


class Switch(NamedTuple):
    """The first epoch of a second optimizer, and what is written beside it."""

    epoch: int
    text: str


def by_epoch(log: pd.DataFrame) -> pd.DataFrame:
    """A logger's sparse rows (``epoch``, ``step`` and a value here and there) to one row an epoch.

    Values that were logged several times in an epoch are averaged, the learning rate too. A row without an epoch (the
    learning rate is logged that way) belongs to the epoch of the next row that has one. What the test logged is no
    epoch of training and stays out.
    """
    if log.empty or not {"epoch", "step"} <= set(log.columns):
        return pd.DataFrame()
    trained = [name for name in log.columns if not str(name).startswith("test/")]
    metrics = [name for name in trained if name not in ("epoch", "step")]
    numbers = log[trained].apply(pd.to_numeric, errors="coerce").dropna(how="all", subset=metrics)
    numbers = numbers.sort_values("step", kind="stable")
    numbers["epoch"] = numbers["epoch"].bfill().ffill()
    numbers = numbers.dropna(subset=["epoch"]).astype({"epoch": int})
    epochs: pd.DataFrame = numbers.drop(columns="step").groupby("epoch").mean()
    return epochs


def series(epochs: pd.DataFrame, name: str) -> pd.Series[float]:
    """The values of a metric by epoch, gaps left out; Lightning's ``<name>_epoch`` stands in for ``<name>``."""
    for column in (name, f"{name}_epoch"):
        if column in epochs.columns:
            return epochs[column].dropna().astype(float)
    return pd.Series(dtype=float)


def structure_scores(epochs: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series[float]]:
    """Validation Dice by epoch of every structure that has any."""
    found = {name: series(epochs, f"val/dice_{name}") for name in names}
    return {name: values for name, values in found.items() if len(values)}


def logged_structures(epochs: pd.DataFrame) -> list[str]:
    """Names of the structures whose validation Dice was logged."""
    prefix = "val/dice_"
    return [str(name).removeprefix(prefix) for name in epochs.columns if str(name).startswith(prefix)]


def rate_columns(epochs: pd.DataFrame) -> list[str]:
    """Names of the learning-rate columns (one for each optimizer and parameter group)."""
    return [name for name in epochs.columns if str(name).startswith(RATE_PREFIX)]
