"""The papers' tables and the challenges' scores as cells for the page; the numbers come from ``hnseg.evaluate``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hnseg.evaluate.false_positives import ALL_FOLDS
from hnseg.evaluate.paper_tables import ENSEMBLE, MEAN_OF_FOLDS, POSTPROCESSED
from hnseg.report.tables import Cell, TableView, heading, number

OVERALL = (MEAN_OF_FOLDS, ENSEMBLE, ALL_FOLDS)
YEARS = {"hecktor2021": "HECKTOR 2020, 2021", "hecktor2022": "HECKTOR 2022", "hecktor2025": "HECKTOR 2025"}
MEASURES = {
    "dice": "mean Dice",
    "precision": "mean precision",
    "recall": "mean recall",
    "hd95_median_mm": "median HD95",
}


def fold_view(table: pd.DataFrame, chain: str, rows: str = "Fold") -> TableView:
    """:func:`hnseg.evaluate.fold_table`; ``chain`` names the post-processing in the right half, where there is one.

    ``rows`` is what the first column is headed.
    """
    halves = ["", POSTPROCESSED] if f"dice{POSTPROCESSED}" in table.columns else [""]
    names = ["Dice", "Median HD95 (mm)", "Mean HD95 (mm)"]
    headings = [rows, "Patients", *names]
    if len(halves) > 1:
        headings += [f"{name}, {chain}" for name in names]
    lines = [
        (
            _text(line["row"]),
            _number(f"{line['n']:.0f}"),
            *(cell for half in halves for cell in _half(line, half)),
        )
        for line in table.to_dict("records")
    ]
    return _view(table, headings, lines)


def false_positive_view(table: pd.DataFrame, rows: str = "Fold") -> TableView:
    """:func:`hnseg.evaluate.false_positive_table`, before and after in one cell."""
    headings = [
        rows, "Patients", "False positive (mL)", "Change (mL)", "95 % interval", "Fell", "Rose", "Unchanged",
        "Missed (mL)", "False pieces",
    ]  # fmt: skip
    lines = [
        (
            _text(line["row"]),
            *(_number(text) for text in (
                f"{line['n']:.0f}",
                _before_after(line, "false_positive_ml", 2),
                _signed(line["change_ml"]),
                _interval(line),
                *(f"{line[name]:.0f}" for name in ("fell", "rose", "unchanged")),
                _before_after(line, "false_negative_ml", 2),
                _before_after(line, "lesions_false", 1),
            )),
        )
        for line in table.to_dict("records")
    ]  # fmt: skip
    return _view(table, headings, lines)


def challenge_view(official: Mapping[str, Any]) -> TableView | None:
    """``official.json`` as a line a challenge, structure and measure; None where it holds no score."""
    lines = []
    for year, title in YEARS.items():
        for structure, scores in _pairs(official.get(year)):
            named = {"aggregated Dice": scores} if not isinstance(scores, Mapping) else scores
            if year == "hecktor2025":
                structure, _, measure = structure.partition("_")
                named = {measure.replace("_", " ").replace("dice", "Dice").replace("f1", "F1"): scores}
            for measure, score in named.items():
                unit = " mm" if measure.endswith("_mm") else ""
                shown = number(measure, float("nan" if score is None else score)) + unit
                lines.append((_text(title), _text(structure), _text(MEASURES.get(measure, measure)), _number(shown)))
    if not lines:
        return None
    return TableView(("Challenge", "Structure", "Measure", "Score"), tuple(lines), 4)


def before_after(line: Mapping[Any, Any], name: str, digits: int) -> tuple[str, str]:
    """A measure before and after post-processing, as text."""
    first, second = line[name], line[f"{name}{POSTPROCESSED}"]
    return _rounded(first, digits), _rounded(second, digits)


def _half(line: Mapping[Any, Any], half: str) -> list[Cell]:
    mean = number("hd95_mm", line[f"hd95_mean_mm{half}"])
    infinite = line[f"hd95_infinite{half}"]
    if infinite and not math.isnan(infinite):
        mean += f" ({infinite:.0f} without)"
    texts = (number("dice", line[f"dice{half}"]), number("hd95_mm", line[f"hd95_mm{half}"]), mean)
    return [_number(text) for text in texts]


def _view(table: pd.DataFrame, headings: list[str], lines: list[tuple[Cell, ...]]) -> TableView:
    """With a column of structures in front where there are several."""
    structures = list(table["structure"])
    if len(set(structures)) > 1:
        headings = [heading("structure"), *headings]
        lines = [(_text(name), *line) for name, line in zip(structures, lines, strict=True)]
    strong = frozenset(int(i) for i in table["row"].isin(OVERALL).to_numpy().nonzero()[0])
    return TableView(tuple(headings), tuple(lines), len(headings), strong)


def _pairs(node: Any) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in node.items()] if isinstance(node, Mapping) else []


def _before_after(line: Mapping[Any, Any], name: str, digits: int) -> str:
    return " → ".join(before_after(line, name, digits))


def _interval(line: Mapping[Any, Any]) -> str:
    low, high = line["change_low"], line["change_high"]
    return "" if math.isnan(low) else f"{_signed(low)} to {_signed(high)}"


def _signed(value: float) -> str:
    text = "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")
    return text.lstrip("+−") if float(f"{value:.2f}") == 0 else text


def _rounded(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _text(text: Any) -> Cell:
    return Cell(str(text) or "unknown")


def _number(text: str) -> Cell:
    return Cell(text, number=True)
