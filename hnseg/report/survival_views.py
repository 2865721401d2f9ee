"""Tables of an experiment on outcomes as cells for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hnseg.report.five_views import p_text, signed
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_rows import Key, best_row, features_name, model_name, row_keys, set_name
from hnseg.report.tables import Cell, TableView, number

DASH = "–"


def comparison_view(table: pd.DataFrame, horizon_days: float) -> TableView:
    """A row a model and feature set; the best honest one stands out. Columns that nobody has are left out."""
    columns: dict[str, str] = {
        "c_index": "C-index, honest",
        "low": "95 % interval",
        "paper": "C-index, paper's",
        "optimism": "Optimism",
        "published": "Published",
        "uno_c": "Uno's C",
        "auc": "AUC" if math.isnan(horizon_days) else f"AUC, {horizon_days:.0f} days",
        "brier_skill": "Brier skill",
        "selected": "Kept",
        "p": "p",
        "p_holm": "p, Holm",
    }
    shown = [name for name in columns if name in ("c_index", "low") or table[name].notna().any()]
    rows = []
    for line in table.to_dict("records"):
        named = (_text(model_name(line["model"])), _text(features_name(line["features"])))
        rows.append((*named, *(_cell(name, line) for name in shown)))
    best = best_row(table)
    place = [] if best is None else [row_keys(table).index((best["model"], best["features"]))]
    headings = ("Model", "Features", *(columns[name] for name in shown))
    return TableView(headings, tuple(rows), len(headings), frozenset(place))


def fold_view(by_fold: pd.DataFrame, keys: list[Key]) -> TableView:
    """A row a fold: its patients, the C-index of the sets that are shown, and the range of all."""
    several = len(set(by_fold["repeat"])) > 1
    named = ("Repeat", "Fold") if several else ("Fold",)
    headings = (*named, "Test patients", "Events", *map(set_name, keys), "Lowest of all", "Highest of all")
    rows = []
    for line in by_fold.to_dict("records"):
        name = (_number(f"{line['repeat']:g}", line["repeat"]),) if several else ()
        counts = (_count(line["n_test"]), _count(line["events"]))
        values = (_c_index(line[column]) for column in (*map(set_name, keys), "lowest", "highest"))
        rows.append((*name, _text(line["fold"] or "unknown"), *counts, *values))
    return TableView(headings, tuple(rows), len(headings))


def log_rank_view(folder: SurvivalFolder, keys: list[Key]) -> TableView | None:
    """A row a set: how many patients are in each group, and how likely such curves are by chance."""
    rows = []
    for key in keys:
        for line in folder.of("log_rank", key).to_dict("records"):
            sizes = (_count(line["n_low"]), _count(line["n_high"]))
            chi2 = DASH if math.isnan(line["chi2"]) else f"{line['chi2']:.1f}"
            rows.append((_text(set_name(key)), *sizes, _number(chi2, line["chi2"]), _p(line["p"])))
    headings = ("Model and features", "Low risk", "High risk", "Chi-squared", "Log-rank p")
    return TableView(headings, tuple(rows), len(headings)) if rows else None


def importance_view(rows: pd.DataFrame, shares: pd.DataFrame) -> TableView | None:
    """Every feature of one final model, the heaviest first, and in how many folds it was kept."""
    if rows.empty:
        return None
    kept = dict(zip(shares["feature"], shares["share"], strict=True))
    ordered = rows.loc[rows["value"].abs().sort_values(ascending=False, kind="stable").index]
    lines = []
    for line in ordered.to_dict("records"):
        ends = "" if math.isnan(line["low"]) else f"{signed(line['low'])} to {signed(line['high'])}"
        share = kept.get(line["feature"], 0.0 if kept else math.nan)
        text = DASH if math.isnan(share) else f"{100 * share:.0f} %"
        value = _number(signed(line["value"]), line["value"])
        lines.append((_text(line["feature"]), value, _number(ends, line["low"]), _number(text, share)))
    spread = "Spread of shuffles" if rows["kind"].str.startswith("drop").all() else "95 % interval"
    return TableView(("Feature", "Value", spread, "Kept in folds"), tuple(lines), 4)


def _cell(name: str, line: Mapping[Any, Any]) -> Cell:
    value = line[name]
    if name == "low":
        known = not math.isnan(value)
        return _number(f"{number('c', value)}–{number('c', line['high'])}" if known else "", value)
    if name in ("p", "p_holm"):
        return _p(value)
    if name in ("optimism", "brier_skill"):
        return _number(signed(value), value)
    if name == "published":
        return _number(DASH if math.isnan(value) else f"{value:.2f}", value)
    return _count(value) if name == "selected" else _c_index(value)


def _c_index(value: float) -> Cell:
    return _number(number("c_index", value), value)


def _count(value: float) -> Cell:
    return _number(DASH if math.isnan(value) else f"{value:g}", value)


def _p(value: float) -> Cell:
    return _number(p_text(value), value)


def _text(text: str) -> Cell:
    return Cell(text, text)


def _number(text: str, value: float) -> Cell:
    """Sorted by ``value``; what is not known sorts last."""
    return Cell(text, "" if math.isnan(value) else repr(float(value)), number=True)
