"""Tables of the five methods as cells for the page; the numbers come from ``hnseg.evaluate``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hnseg.evaluate.five_methods import COLUMNS, METHODS, ROWS
from hnseg.evaluate.five_patients import SIGNIFICANT
from hnseg.report.tables import Cell, TableView, interval, number

SMALLEST_P = 1e-300


@dataclass(frozen=True)
class MarkedCell(Cell):
    """A number that the paper prints otherwise: ``best`` of its row in bold, ``weak`` (not significant) in italics."""

    mark: str = ""


def median_view(table: pd.DataFrame, first: str = "Fold") -> TableView:
    """Table 1, ours or the published one; the largest Dice of a row is marked.

    ``first`` is what the first column is headed.
    """
    counts = {"slices": "Slices", "patients": "Patients"}
    counted = [name for name in counts if name in table.columns]
    rows = []
    for line in table.to_dict("records"):
        values = {name: line[name] for name in METHODS}
        most = max((value for value in values.values() if not math.isnan(value)), default=math.nan)
        best = line["row"] != table["row"].iloc[-1]  # the last row is the spread, where the largest is not the best
        cells = [
            MarkedCell(number("dice", v), number=True, mark="best" * (best and v == most)) for v in values.values()
        ]
        rows.append((_text(line["row"]), *(_number(f"{line[name]}") for name in counted), *cells))
    headings = (first, *(counts[name] for name in counted), *METHODS)
    return TableView(headings, tuple(rows), len(headings))


def triangle_view(table: pd.DataFrame, ending: str = "") -> TableView:
    """A lower triangle of p-values; those that are not significant are marked.

    Args:
        table: as :func:`hnseg.evaluate.five_methods.table2` or ``table3`` make it.
        ending: of the columns that are wanted.
    """
    lines = {line["method"]: line for line in table.to_dict("records")}
    rows = []
    for row in ROWS:
        # beyond the diagonal is nothing, a method that is missing has a dash
        below = METHODS.index(row)
        cells = [p_cell(lines[row][f"{name}{ending}"]) if i < below else _text("") for i, name in enumerate(COLUMNS)]
        rows.append((_text(row), *(MarkedCell(c.text, number=True, mark=getattr(c, "mark", "")) for c in cells)))
    return TableView(("", *COLUMNS), tuple(rows), len(COLUMNS) + 1)


def patient_triangle(tests: pd.DataFrame) -> TableView:
    """The corrected p-values of patients' medians as a triangle like those of slices."""
    found = {(line["method"], line["reference"]): line["median_holm_p"] for line in tests.to_dict("records")}
    lines = [{"method": row, **{name: found.get((row, name), math.nan) for name in COLUMNS}} for row in ROWS]
    return triangle_view(pd.DataFrame(lines))


def patient_test_view(tests: pd.DataFrame) -> TableView:
    """A row a pair of methods that are there: how patients differ, and how sure that is."""
    headings = (
        "Method", "Compared with", "Patients", "Median difference of their medians", "Higher in", "Lower in",
        "p", "p, Holm", "Mean difference of their means", "p", "p, Holm",
    )  # fmt: skip
    rows = []
    for line in tests[tests["patients"] > 0].to_dict("records"):
        texts = (f"{line['patients']}", signed(line["median_difference"]), f"{line['better']}", f"{line['worse']}")
        medians = (*map(_number, texts), p_cell(line["median_p"]), p_cell(line["median_holm_p"]))
        means = (_number(signed(line["mean_difference"])), p_cell(line["mean_p"]), p_cell(line["mean_holm_p"]))
        rows.append((_text(line["method"]), _text(line["reference"]), *medians, *means))
    return TableView(headings, tuple(rows), len(headings))


def interval_view(table: pd.DataFrame) -> TableView:
    """Medians over all slices with their intervals, and what each method differs by from CNNonly."""
    headings = ("Method", "Median Dice", "95 % interval", f"Difference from {METHODS[0]}", "95 % interval")
    rows = []
    for line in table.to_dict("records"):
        own = interval("dice", line["low"], line["high"])
        gain = "" if math.isnan(line["difference"]) else signed(line["difference"])
        texts = (number("dice", line["median"]), own, gain, signed_interval(line, "difference_"))
        rows.append((_text(line["method"]), *map(_number, texts)))
    return TableView(headings, tuple(rows), len(headings))


def empty_view(table: pd.DataFrame) -> TableView:
    """What was outlined on slices without tumour, a row a method."""
    headings = (
        "Method",
        "Slices",
        "Patients",
        "With any pixel",
        "95 % interval",
        "Median (mL)",
        "Median where any (mL)",
    )
    rows = []
    for line in table.to_dict("records"):
        known = not math.isnan(line["low"])
        ends = f"{percent(line['low'])} to {percent(line['high'])}" if known else ""
        counts = (f"{line['slices']}", f"{line['patients']}", percent(line["with_any"]), ends)
        rows.append(
            (_text(line["method"]), *map(_number, (*counts, _ml(line["median_ml"]), _ml(line["median_ml_where_any"]))))
        )
    return TableView(headings, tuple(rows), len(headings))


def patients_view(table: pd.DataFrame) -> TableView:
    """A row a patient: the median Dice of their slices by each method; a click on a heading sorts."""
    headings = ("Patient", "Fold", "Slices", *METHODS)
    rows = []
    for line in table.to_dict("records"):
        medians = [line[f"{name}_median"] for name in METHODS]
        cells = [Cell(number("dice", v), "" if math.isnan(v) else repr(v), number=True) for v in medians]
        count = Cell(f"{line['slices']}", f"{line['slices']}", number=True)
        rows.append((Cell(line["case"], line["case"]), Cell(line["fold"], line["fold"]), count, *cells))
    return TableView(headings, tuple(rows), len(headings))


def p_text(p: float) -> str:
    """A p-value with three digits, as the paper has them: ``2.50e-12``, ``0.0487``; a dash where there is none."""
    if math.isnan(p):
        return "–"
    return f"{p:#.3g}" if p >= SMALLEST_P else f"below {SMALLEST_P:g}"


def p_cell(p: float) -> MarkedCell:
    """Marked ``weak`` where it is not significant."""
    return MarkedCell(p_text(p), number=True, mark="weak" * (p >= SIGNIFICANT))


def signed(value: float) -> str:
    """``+0.120``, ``−0.031``, ``0.000``; a dash where there is none."""
    if math.isnan(value):
        return "–"
    text = f"{value:+.3f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def signed_interval(line: Mapping[Any, Any], prefix: str = "") -> str:
    """``+0.100 to +0.140``, empty where it is not known."""
    low, high = line[f"{prefix}low"], line[f"{prefix}high"]
    return "" if math.isnan(low) else f"{signed(low)} to {signed(high)}"


def percent(share: float) -> str:
    """``12 %``; with a decimal where it is small."""
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def _ml(volume_ml: float) -> str:
    return "–" if math.isnan(volume_ml) else f"{volume_ml:.2f}"


def _text(text: str) -> Cell:
    return Cell(text)


def _number(text: str) -> Cell:
    return Cell(text, number=True)
