"""Tables of clicks as cells for the page; the numbers come from ``hnseg.evaluate.click_curves``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from hnseg.evaluate.click_curves import WITH_TUMOUR, WITHOUT_TUMOUR
from hnseg.report.tables import Cell, TableView, heading, interval, number

MEASURES = ("median", "mean")
METHODS = {"network": "network", "pet_threshold": "PET threshold"}
USERS = {
    "no_click": "no click",
    "centre": "centre of each lesion",
    "random": "anywhere in each lesion",
    "displaced_3mm": "centre, 3 mm off",
    "displaced_6mm": "centre, 6 mm off",
    "wrong_organ": "one wrong place",
    "no_tumour": "no click",
    "no_tumour_clicked": "the hottest spot",
}
Line = Mapping[Any, Any]


def method_name(method: str) -> str:
    """A method's name for readers."""
    return METHODS.get(method, method)


def curve_view(curve: pd.DataFrame) -> TableView | None:
    """:func:`click_curve`: a row a number of clicks, each method's median and mean Dice beside the others'."""
    methods = list(dict.fromkeys(curve["method"]))
    rows = []
    for (structure, count), lines in curve.groupby(["structure", "clicks"], sort=False):
        by_method = {line["method"]: line for line in lines.to_dict("records")}
        first = next(iter(by_method.values()))
        cells = [_estimate(by_method.get(method), f"dice_{measure}") for method in methods for measure in MEASURES]
        rows.append((_text(structure), Cell(str(count), number=True), *_sizes(first), *cells))
    names = [f"{method_name(method)}: {measure} Dice" for method in methods for measure in MEASURES]
    return _view((heading("structure"), "Clicks", "Units", heading("n"), *names), rows)


def needed_view(needed: pd.DataFrame) -> TableView | None:
    """:func:`clicks_needed`: a row a method; a unit that never gets there has more than the most clicks."""
    rows = []
    for line in needed.to_dict("records"):
        cells = (
            Cell(_count(line["clicks_median"], line["most"]), number=True),
            Cell(_counts(line, "clicks_median"), number=True),
            Cell(f"{line['clicks_mean']:.1f}", number=True),
            Cell(_span(line, "clicks_mean", lambda value: f"{value:.1f}"), number=True),
            Cell(str(line["without_click"]), number=True),
            Cell(str(line["never"]), number=True),
        )
        rows.append((_text(line["structure"]), _text(method_name(line["method"])), *_sizes(line), *cells))
    headings = (
        heading("structure"), "Method", "Units", heading("n"), "Median clicks", "95 % interval", "Mean, at least",
        "95 % interval", "There without a click", "Never there",
    )  # fmt: skip
    return _view(headings, rows)


def users_view(users: pd.DataFrame) -> TableView | None:
    """:func:`click_users` where there is tumour: a row a user, median Dice of each method beside the others'."""
    shown = users[users["user"].isin(WITH_TUMOUR)]
    methods = list(dict.fromkeys(shown["method"]))
    names = [f"{method_name(method)}: median Dice" for method in methods]
    return _by_user(shown, methods, names, lambda line: [_estimate(line, "dice_median")])


def empty_view(users: pd.DataFrame) -> TableView | None:
    """:func:`click_users` where there is none: in how many units anything is outlined, and how much."""
    shown = users[users["user"].isin(WITHOUT_TUMOUR)]
    methods = list(dict.fromkeys(shown["method"]))
    pairs = [(f"{method_name(method)}: outlines something", "median volume (mL)") for method in methods]
    return _by_user(shown, methods, [name for pair in pairs for name in pair], _outlined)


def _by_user(
    shown: pd.DataFrame, methods: list[str], names: list[str], cells_of: Callable[[Line | None], list[Cell]]
) -> TableView | None:
    rows = []
    for (structure, user), lines in shown.groupby(["structure", "user"], sort=False):
        by_method = {line["method"]: line for line in lines.to_dict("records")}
        first = next(iter(by_method.values()))
        cells = [cell for method in methods for cell in cells_of(by_method.get(method))]
        clicks = Cell(f"{first['clicks']:.1f}".removesuffix(".0"), number=True)
        rows.append((_text(structure), _text(USERS[str(user)]), *_sizes(first), clicks, *cells))
    headings = (heading("structure"), "Click on", "Units", heading("n"), "Clicks a unit", *names)
    return _view(headings, rows)


def _outlined(line: Line | None) -> list[Cell]:
    if line is None:
        return [Cell("–", number=True)] * 2
    share = f"{100 * line['outlined']:.0f} %"
    spread = _span(line, "outlined", lambda value: f"{100 * value:.0f}")
    return [Cell(f"{share} ({spread})" if spread else share, number=True),
            Cell(f"{line['predicted_ml']:.2f}", number=True)]  # fmt: skip


def _estimate(line: Line | None, name: str) -> Cell:
    if line is None:
        return Cell("–", number=True)
    spread = interval("dice", line[f"{name}_low"], line[f"{name}_high"])
    value = number("dice", line[name])
    return Cell(f"{value} ({spread})" if spread else value, number=True)


def _span(line: Line, name: str, shown: Callable[[float], str]) -> str:
    low, high = line[f"{name}_low"], line[f"{name}_high"]
    return "" if math.isnan(low) else f"{shown(low)} to {shown(high)}"


def _counts(line: Line, name: str) -> str:
    return _span(line, name, lambda value: _count(value, line["most"]))


def _count(value: float, most: float) -> str:
    return f"> {most:g}" if value > most else f"{value:.1f}".removesuffix(".0")


def _sizes(line: Line) -> tuple[Cell, Cell]:
    return Cell(str(line["units"]), number=True), Cell(str(line["patients"]), number=True)


def _text(text: Any) -> Cell:
    return Cell(str(text) or "unknown")


def _view(headings: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> TableView | None:
    """Without the column of structures where there is one only; None without rows."""
    if not rows:
        return None
    if len({row[0].text for row in rows}) == 1:
        headings, rows = headings[1:], [row[1:] for row in rows]
    return TableView(headings, tuple(rows), len(headings))
