"""Tables of a report as plain cells, formatted as papers do; the template turns them into HTML and escapes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hnseg.evaluate.paper_tables import MEAN_OF_RANDOM_SPLITS
from hnseg.evaluate.summary import ALL_PATIENTS, MEAN_OF_CENTRES

HEADINGS = {
    "case": "Patient",
    "fold": "Fold",
    "centre": "Centre",
    "structure": "Structure",
    "metric": "Metric",
    "dice": "Dice",
    "precision": "Precision",
    "recall": "Recall",
    "volume_mm3": "Volume (mL)",
    "truth_volume_mm3": "True volume (mL)",
    "n": "Patients",
    "dice_low": "95 % interval",
    "hd95_median_mm": "Median HD95 (mm)",
}
FIRST = (
    "case",
    "fold",
    "centre",
    "structure",
    "dice",
    "precision",
    "recall",
    "hd95_mm",
    "volume_mm3",
    "truth_volume_mm3",
)
HIDDEN = ("phantom", "answered")
AVERAGED = ("dice", "precision", "recall")


@dataclass(frozen=True)
class Cell:
    """``text`` is what a reader sees, ``key`` what a click on the heading sorts by."""

    text: str
    key: str = ""
    number: bool = False


@dataclass(frozen=True)
class TableView:
    """A table ready for the template; columns from ``essential`` on are shown only when a reader asks for them."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    essential: int
    strong_rows: frozenset[int] = frozenset()


def case_table(cases: pd.DataFrame) -> TableView:
    """A row a patient and structure, the usual metrics first, volumes in mL."""
    first = [name for name in FIRST if name in cases.columns and _tells_something(cases, name)]
    names = first + [name for name in cases.columns if name not in FIRST + HIDDEN]
    rows = tuple(
        tuple(_case_cell(name, value) for name, value in zip(names, row, strict=True))
        for row in cases[names].itertuples(index=False, name=None)
    )
    return TableView(tuple(heading(name) for name in names), rows, len(first))


def centre_table(summary: pd.DataFrame) -> TableView:
    """Mean ± standard deviation a centre, as :func:`hnseg.evaluate.summary.summarise` computed them.

    The lines over all patients stand out; with a single centre they say the same as its own and only one is kept.
    """
    same = summary["centre"].isin((ALL_PATIENTS, MEAN_OF_CENTRES))
    if len(set(summary.loc[~same, "centre"]) - {MEAN_OF_RANDOM_SPLITS}) == 1:
        summary = summary[~same].reset_index(drop=True)
    overall = summary["centre"].isin((ALL_PATIENTS, MEAN_OF_CENTRES, MEAN_OF_RANDOM_SPLITS))
    named = ["structure", "centre"] if len(set(summary["structure"])) > 1 else ["centre"]
    headings = tuple(
        heading(name) for name in (*named, "n", "dice", "dice_low", "precision", "recall", "hd95_median_mm")
    )
    rows = tuple(_centre_cells(line, named) for _, line in summary.iterrows())
    return TableView(headings, rows, len(headings), frozenset(int(i) for i in overall.to_numpy().nonzero()[0]))


def _centre_cells(line: pd.Series[Any], named: list[str]) -> tuple[Cell, ...]:
    means = {name: mean_and_spread(name, line[f"{name}_mean"], line[f"{name}_sd"]) for name in AVERAGED}
    numbers = (
        str(line["n"]),
        means["dice"],
        interval("dice", line["dice_low"], line["dice_high"]) if line["n"] > 1 else "",
        means["precision"],
        means["recall"],
        number("hd95_mm", line["hd95_median_mm"]),
    )
    return (
        *(Cell(str(line[name]) or "unknown") for name in named),
        *(Cell(text, number=True) for text in numbers),
    )


def _tells_something(cases: pd.DataFrame, name: str) -> bool:
    """Whether a column of names is worth its width: one centre or structure for all is not."""
    if name == "fold" and list(cases["fold"]) == list(cases["centre"]):
        return False
    return name not in ("centre", "structure") or len(set(cases[name])) > 1


def heading(name: str) -> str:
    """A column's name for readers: ``hd95_mm`` becomes ``HD95 (mm)``."""
    if name in HEADINGS:
        return HEADINGS[name]
    words, unit = name, ""
    for suffix, sign in (("_mm3", "mm³"), ("_mm", "mm"), ("_ml", "mL"), ("_voxels", "voxels")):
        if name.endswith(suffix):
            words, unit = name.removesuffix(suffix), f" ({sign})"
            break
    first, *others = words.split("_")
    if first.startswith("hd") and first[2:].isdigit():
        first = first.upper()
    return " ".join([first[:1].upper() + first[1:], *others]) + unit


def number(name: str, value: float) -> str:
    """A metric's value: volumes in mL and distances with one decimal, ratios with three; ``–`` where undefined."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if name.endswith("_mm3"):
        return f"{value / 1000.0:.1f}"
    return f"{value:.1f}" if name.endswith("_mm") else f"{value:.3f}"


def mean_and_spread(name: str, mean: float, spread: float) -> str:
    """``0.744 ± 0.206``; the spread is left out where one patient has none."""
    if spread is None or math.isnan(spread):
        return number(name, mean)
    return f"{number(name, mean)} ± {number(name, spread)}"


def interval(name: str, low: float, high: float) -> str:
    """``0.70 to 0.79`` with the digits of the metric, empty where it is not known."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{number(name, low)} to {number(name, high)}"


def _case_cell(name: str, value: Any) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Cell(str(value), str(value))
    # not a number sorts last, whichever way
    key = "" if math.isnan(value) else ("Infinity" if math.isinf(value) else repr(float(value)))
    counted = isinstance(value, int) and not name.endswith(("_mm", "_mm3"))
    return Cell(str(value) if counted else number(name, value), key, number=True)
