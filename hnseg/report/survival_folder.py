"""What an experiment on outcomes left on disk, read once; what is not there is empty and is said, not guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hnseg.report.reading import read_csv
from hnseg.report.run_folder import RunFolder

NAMES = ("patient", "centre", "protocol", "model", "features", "fold", "feature", "group", "reference", "kind")
"""Columns of text, in whichever table they stand."""

COLUMNS = {
    "outcome": ("patient", "centre", "event", "time_days"),
    "scores": ("protocol", "model", "features", "repeat", "fold", "n_train", "n_test", "events", "c_index"),
    "summary": (
        "protocol", "model", "features", "c_index", "sd", "low", "high", "uno_c", "auc", "ibs", "ibs_reference",
        "selected", "reference", "difference", "p", "published",
    ),
    "selected": ("protocol", "model", "features", "repeat", "fold", "feature", "value"),
    "importances": ("model", "features", "feature", "value", "low", "high", "kind"),
    "kaplan_meier": ("model", "features", "group", "time_days", "survival", "low", "high", "at_risk"),
    "log_rank": ("model", "features", "n_low", "n_high", "chi2", "p"),
    "calibration": ("model", "features", "group", "n", "predicted", "observed", "low", "high"),
}  # fmt: skip
"""The tables of the folder; a column that is missing is unknown in every row."""


@dataclass(frozen=True, eq=False)
class SurvivalFolder:
    """An experiment, as far as it got.

    Attributes:
        run: its folder: manifest, configuration, what was typed.
        tables: by name as in ``COLUMNS``, with these columns and no others; without rows where there is no file.
        models: names of the folders of saved models.
    """

    run: RunFolder
    tables: dict[str, pd.DataFrame]
    models: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path) -> SurvivalFolder:
        """Read an experiment.

        Raises:
            ValueError: there is no readable manifest, or a table cannot be read.
        """
        saved = sorted(path.parent.name for path in (folder / "models").glob("*/model.json"))
        tables = {name: _read(folder / f"{name}.csv", columns) for name, columns in COLUMNS.items()}
        return cls(RunFolder.open(folder), tables, tuple(saved))

    @property
    def manifest(self) -> dict[str, Any]:
        """``manifest.json``."""
        return self.run.manifest

    @property
    def phantom(self) -> bool:
        """Whether the patients are made up."""
        return self.run.phantom

    @property
    def horizon_days(self) -> float:
        """When the probability of no event is judged; nan where the manifest does not say."""
        return _number(self.manifest.get("horizon_days"))

    @property
    def best_c_index(self) -> float:
        """The best that any model could reach on a phantom, whose truth is known; nan where it is not."""
        return _number(self.manifest.get("best_c_index"))

    def of(self, name: str, key: tuple[str, str]) -> pd.DataFrame:
        """The rows of a table that are of one model and feature set."""
        table = self.tables[name]
        return table[(table["model"] == key[0]) & (table["features"] == key[1])]


def follow_up_median_days(event: np.ndarray[Any, Any], time_days: np.ndarray[Any, Any]) -> float:
    """Median follow-up by the reverse Kaplan-Meier method: how long patients would be watched if nothing happened.

    Args:
        event: (n,) whether the event was seen.
        time_days: (n,).

    Returns:
        Days; nan where fewer than half of the patients are ever counted as lost, or there are none.

    Source: Schemper and Smith 1996, Controlled Clinical Trials 17, doi:10.1016/0197-2456(96)00075-X.
    """
    if not len(event):
        return math.nan
    from lifelines import KaplanMeierFitter  # takes a second, which no other report should wait for

    median = KaplanMeierFitter().fit(time_days, ~event).median_survival_time_
    return float(median) if math.isfinite(median) else math.nan


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    table = read_csv(path).reindex(columns=columns)
    for name in columns:
        if name in NAMES:
            table[name] = table[name].fillna("").astype(str)
            continue
        try:
            table[name] = pd.to_numeric(table[name]).astype(float)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{path}, column {name}: expected numbers ({error}); delete the file and start the experiment again"
            ) from error
    return table


def _number(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else math.nan
