"""The experiment as one table: a row a model and feature set, the honest protocol beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hnseg.evaluate.paired import holm
from hnseg.report.survival_folder import SurvivalFolder

HONEST, PAPER = "honest", "paper"
CHANCE = 0.5
SIGNIFICANT = 0.05
LEAST_REACH = 0.02
"""Where the truth itself does no better than this above chance, a share of it says nothing."""
MOST_SHOWN = 6
"""Sets with curves and coefficients on the page; those of dozens would hide the two that matter."""

MODELS = {"cox": "Cox", "rsf": "Survival forest", "deepsurv": "DeepSurv", "deephit": "DeepHit"}
BLOCKS = {"clinical": "clinical", "ct": "CT", "pt": "PET", "deep": "deep"}

Key = tuple[str, str]
"""Model and feature set, as they are named in files."""


def compared(folder: SurvivalFolder) -> pd.DataFrame:
    """A row a model and feature set, model by model, each in the order in which they were run.

    Columns: ``model``, ``features``; of the honest protocol ``c_index``, ``low``, ``high``, ``uno_c``, ``auc``,
    ``brier_skill``, ``selected``, ``difference`` from the ``reference`` (which is that of the whole table), ``p`` and
    ``p_holm`` (corrected for all tests of the table);
    ``paper`` (the C-index by the paper's protocol), ``optimism`` (that minus the honest one), ``published``, ``near``
    (how far the model came from chance to the best that can be reached: 0 to 1; of phantoms only). nan where unknown.
    """
    summary = folder.tables["summary"]
    honest = summary[summary["protocol"] == HONEST].drop(columns=["protocol", "published"])
    paper = summary.loc[summary["protocol"] == PAPER, ["model", "features", "c_index"]]
    keys = summary[["model", "features"]].drop_duplicates()
    keys = keys.sort_values("model", key=lambda names: pd.factorize(names)[0], kind="stable")
    table = keys.merge(honest, how="left").merge(paper.rename(columns={"c_index": "paper"}), how="left")
    said = summary.groupby(["model", "features"], sort=False)["published"].first()
    table["published"] = [float(said.get(key, math.nan)) for key in row_keys(table)]
    table["reference"] = _reference(summary, folder)
    table["optimism"] = table["paper"] - table["c_index"]
    table["p_holm"] = holm(table["p"].to_numpy(float))
    table["brier_skill"] = 1 - table["ibs"] / table["ibs_reference"]
    reachable = folder.best_c_index - CHANCE
    table["near"] = (table["c_index"] - CHANCE) / reachable if reachable > LEAST_REACH else np.nan
    return table


def row_keys(table: pd.DataFrame) -> list[Key]:
    """Model and feature set of each row."""
    return [(str(model), str(features)) for model, features in zip(table["model"], table["features"], strict=True)]


def best_row(table: pd.DataFrame) -> dict[str, Any] | None:
    """The row with the highest honest C-index; None where no set has one."""
    known = table.dropna(subset="c_index")
    return None if known.empty else _plain(known.sort_values("c_index", ascending=False, kind="stable").iloc[0])


def row_of(table: pd.DataFrame, key: Key) -> dict[str, Any] | None:
    """The row of a model and feature set; None where there is none."""
    found = table[(table["model"] == key[0]) & (table["features"] == key[1])]
    return None if found.empty else _plain(found.iloc[0])


def reference_of(table: pd.DataFrame, row: dict[str, Any]) -> dict[str, Any] | None:
    """The row that a row is tested against: the same model's, on the reference's features; None where it is itself."""
    return None if row["features"] == row["reference"] else row_of(table, (row["model"], row["reference"]))


def gained(row: Mapping[str, Any], reference: Mapping[str, Any]) -> float:
    """C-index of a row minus the reference's: over the folds that both have, where they were tested."""
    tested = float(row["difference"])
    return float(row["c_index"] - reference["c_index"]) if math.isnan(tested) else tested


def shown_keys(table: pd.DataFrame) -> list[Key]:
    """Of which sets there are curves: the best one, what it is tested against, and the best of every other model."""
    best = best_row(table)
    if best is None:
        return []
    keys = [(best["model"], best["features"])]
    reference = reference_of(table, best)
    if reference is not None:
        keys.append((reference["model"], reference["features"]))
    for _, rows in table.groupby("model", sort=False):
        own = best_row(rows)
        if own is not None and (own["model"], own["features"]) not in keys and own["model"] != best["model"]:
            keys.append((own["model"], own["features"]))
    return keys[:MOST_SHOWN]


def model_name(model: str) -> str:
    """A model's name for readers."""
    return MODELS.get(model, model)


def features_name(features: str) -> str:
    """``clinical+ct`` becomes ``clinical + CT``."""
    return " + ".join(BLOCKS.get(block, block) for block in features.split("+"))


def set_name(key: Key) -> str:
    """``Cox, clinical + CT``."""
    return f"{model_name(key[0])}, {features_name(key[1])}"


def days(count: float) -> str:
    """``730 days (2.0 years)``; ``the horizon`` where it is not known."""
    return "the horizon" if math.isnan(count) else f"{count:.0f} days ({count / 365.25:.1f} years)"


def _reference(summary: pd.DataFrame, folder: SurvivalFolder) -> str:
    """The feature set that all others are tested against."""
    named = [name for name in summary["reference"] if name]
    plan = folder.manifest.get("plan")
    planned = plan.get("reference") if isinstance(plan, dict) else None
    return named[0] if named else str(planned or "clinical")


def _plain(row: pd.Series[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
