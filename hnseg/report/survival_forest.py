"""The C-index of every model and feature set in one picture: honest, by the paper's protocol, chance and the best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hnseg.report.canvas import GRID, INK, SERIES, new_figure, plain_axes, to_png
from hnseg.report.survival_rows import CHANCE, best_row, features_name, model_name
from hnseg.report.tables import number

HONEST_COLOR, PAPER_COLOR, OPTIMISM_COLOR = SERIES[0], SERIES[1], "#edc2a2"
ROW_IN = 0.27
HEADING = 1.15
"""Rows that the name of a model takes above its feature sets."""


def forest(table: pd.DataFrame, best_c_index: float, *, phantom: bool) -> bytes:
    """A row a model and feature set: a dot with its interval, the paper's protocol as a diamond tied to it.

    To the right the honest C-index and, where the best that can be reached is known, how far the way from 0.5 to that.

    Args:
        table: as :func:`hnseg.report.survival_rows.compared` makes it, not empty.
        best_c_index: what can be reached at all; nan where it is not known.
        phantom: whether to mark the figure.
    """
    places, labels, headings, end = _places(table)
    figure = new_figure(8.2, 1.1 + ROW_IN * end)
    axes = figure.subplots()
    plain_axes(axes, "", "C-index (mean over folds)", "")
    axes.grid(visible=False, axis="y")
    axes.axvline(CHANCE, color=INK, linewidth=1.2, zorder=1)
    if not math.isnan(best_c_index):
        axes.axvline(best_c_index, color=SERIES[2], linewidth=1.6, linestyle=(0, (5, 3)), zorder=1)
    best = best_row(table)
    for place, line in zip(places, table.to_dict("records"), strict=True):
        chosen = best is not None and (line["model"], line["features"]) == (best["model"], best["features"])
        _draw_row(axes, place, line, chosen)
    for place, name in headings:
        axes.text(0.006, place, name, transform=axes.get_yaxis_transform(), va="center", fontsize=9.5, zorder=6,
                  fontweight="bold", color=INK, parse_math=False,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
        axes.axhline(place + 0.55, color=GRID, linewidth=0.8)
    axes.set_yticks(places, labels, parse_math=False)
    axes.set_ylim(end - 0.4, -0.6)
    axes.set_xlim(*_limits(table, best_c_index))
    figure.legend(handles=_handles(table, best_c_index), loc="outside upper left", ncols=3, frameon=False, fontsize=8.5,
                  labelcolor=INK, handlelength=2.4, columnspacing=1.6)  # fmt: skip
    return to_png(figure, phantom=phantom)


def _places(table: pd.DataFrame) -> tuple[list[float], list[str], list[tuple[float, str]], float]:
    """Where each row and each model's name stands, and how many rows high all of it is."""
    places, labels, headings, place, model = [], [], [], 0.0, None
    for line in table.to_dict("records"):
        if line["model"] != model:
            model = line["model"]
            headings.append((place, model_name(model)))
            place += HEADING
        places.append(place)
        labels.append(features_name(line["features"]))
        place += 1.0
    return places, labels, headings, place


def _draw_row(axes: Axes, place: float, line: Mapping[Any, Any], chosen: bool) -> None:
    honest, paper = line["c_index"], line["paper"]
    if not math.isnan(paper) and not math.isnan(honest):
        axes.plot([honest, paper], [place, place], color=OPTIMISM_COLOR, linewidth=5, solid_capstyle="butt", zorder=2)
    if not math.isnan(line["low"]):
        axes.plot([line["low"], line["high"]], [place, place], color=HONEST_COLOR, linewidth=1.3, zorder=3)
    if not math.isnan(paper):
        axes.scatter(paper, place, s=34, marker="D", facecolor="white", edgecolor=PAPER_COLOR, linewidth=1.5, zorder=4)
    if not math.isnan(honest):
        axes.scatter(honest, place, s=110 if chosen else 44, color=HONEST_COLOR, linewidths=0, zorder=5,
                     marker="*" if chosen else "o")  # fmt: skip
        near = "" if math.isnan(line["near"]) else f"   {100 * line['near']:.0f} %"
        axes.annotate(number("c_index", honest) + near, (1.0, place), xytext=(5, 0), va="center", fontsize=8.5,
                      xycoords=axes.get_yaxis_transform(), textcoords="offset points", color=INK,
                      fontweight="bold" if chosen else "normal", annotation_clip=False)  # fmt: skip


def _limits(table: pd.DataFrame, best_c_index: float) -> tuple[float, float]:
    found = np.append(table[["c_index", "low", "high", "paper"]].to_numpy(float).ravel(), [best_c_index, CHANCE])
    found = found[np.isfinite(found)]
    margin = 0.04 * max(0.1, found.max() - found.min())
    return max(0.0, found.min() - margin), min(1.02, found.max() + margin)


def _handles(table: pd.DataFrame, best_c_index: float) -> list[Line2D]:
    handles = [Line2D([], [], color=HONEST_COLOR, marker="o", linewidth=1.3, label="honest, 95 % interval")]
    if table["c_index"].notna().any():
        handles.append(Line2D([], [], color=HONEST_COLOR, marker="*", markersize=10, linewidth=0, label="best honest"))
    if table["paper"].notna().any():
        handles.append(Line2D([], [], color=PAPER_COLOR, marker="D", markerfacecolor="white", linewidth=0,
                              label="paper's protocol"))  # fmt: skip
    if table["optimism"].notna().any():
        handles.append(Line2D([], [], color=OPTIMISM_COLOR, linewidth=5, label="optimism"))
    handles.append(Line2D([], [], color=INK, linewidth=1.2, label="0.5: guessing"))
    if not math.isnan(best_c_index):
        label = f"best that can be reached, {number('c_index', best_c_index)}"
        handles.append(Line2D([], [], color=SERIES[2], linewidth=1.6, linestyle=(0, (5, 3)), label=label))
    return handles
