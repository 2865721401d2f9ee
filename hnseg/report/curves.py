"""The training log of a run, one row an epoch."""

from __future__ import annotations

import pandas as pd

RATE_PREFIX = "lr"


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


def rate_columns(epochs: pd.DataFrame) -> list[str]:
    """Names of the learning-rate columns (one for each optimizer and parameter group)."""
    return [name for name in epochs.columns if str(name).startswith(RATE_PREFIX)]
