"""Kaplan-Meier curves of risk groups with the numbers at risk, and predicted against observed probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, to_png
from hnseg.report.survival_rows import days

GROUPS = {"low": (SERIES[0], "-"), "high": (SERIES[1], "--")}
"""Colour and line of the groups of low and high risk; any others get the next colours."""
TICKS = 6


def kaplan_meier_figure(curves: pd.DataFrame, title: str, *, phantom: bool) -> bytes:
    """The probability of no event over time, a curve a group of risk, its interval shaded; below, who is at risk.

    Args:
        curves: columns ``group``, ``time_days``, ``survival``, ``low``, ``high``, ``at_risk``; not empty.
        title: of the figure.
        phantom: whether to mark it.
    """
    groups = list(dict.fromkeys(curves["group"]))
    figure = new_figure(5.8, 3.9 + 0.24 * len(groups))
    axes = figure.subplots()
    plain_axes(axes, title, "", "probability of no event")
    last = float(curves["time_days"].max())
    ticks = [tick for tick in MaxNLocator(TICKS, integer=True).tick_values(0, last) if 0 <= tick <= last]
    for place, group in enumerate(groups):
        rows = curves[curves["group"] == group].sort_values("time_days")
        color, line = GROUPS.get(group, (SERIES[(2 + place) % len(SERIES)], "-"))
        _curve(axes, rows, color, line, _group_name(group))
        for tick in ticks:
            axes.annotate(_at_risk(rows, tick), (tick, 0), xytext=(0, -40 - 14 * place), va="center", ha="center",
                          xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8.5, color=INK,
                          annotation_clip=False)  # fmt: skip
        axes.annotate(_group_name(group).replace(" risk", ""), (0, 0), xytext=(-22, -40 - 14 * place), va="center",
                      ha="right", xycoords="axes fraction", textcoords="offset points", fontsize=8.5, color=color,
                      fontweight="bold", annotation_clip=False, parse_math=False)  # fmt: skip
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.set_xlabel("days; below: patients at risk", fontsize=9, color=INK, labelpad=3)
    axes.set_xlim(-0.02 * last, 1.03 * last)
    axes.set_ylim(-0.02, 1.04)
    axes.legend(frameon=False, fontsize=8.5, loc="lower left", labelcolor=INK)
    return to_png(figure, phantom=phantom)


def calibration_figure(groups: pd.DataFrame, title: str, horizon_days: float, *, phantom: bool) -> bytes:
    """Predicted against observed probability of no event at the horizon, a point a group, with its interval.

    Args:
        groups: columns ``predicted``, ``observed``, ``low``, ``high``, ``n``; not empty.
        title: of the figure.
        horizon_days: when.
        phantom: whether to mark the figure.
    """
    figure = new_figure(5.0, 4.5)
    axes = figure.subplots()
    at = days(horizon_days)
    plain_axes(axes, title, f"predicted probability of no event at {at}", "observed, by Kaplan-Meier")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="perfectly calibrated", zorder=1)
    known = groups.dropna(subset=["predicted", "observed"]).sort_values("predicted")
    spread = known.dropna(subset=["low", "high"])
    axes.vlines(spread["predicted"], spread["low"], spread["high"], color=SERIES[0], linewidth=1.6, zorder=2)
    axes.plot(known["predicted"], known["observed"], color=SERIES[0], marker="o", linewidth=1, markersize=6,
              label="groups, 95 % interval", zorder=3)  # fmt: skip
    for line in known.to_dict("records"):
        if not math.isnan(line["n"]):
            foot = line["observed"] if math.isnan(line["low"]) else line["low"]
            axes.annotate(f"n={line['n']:.0f}", (line["predicted"], foot), xytext=(0, -4), ha="center", va="top",
                          textcoords="offset points", fontsize=7.5, color=INK)  # fmt: skip
    low = _floor([*known["predicted"], *known["observed"], *spread["low"]])
    axes.set_xlim(low, 1.02)
    axes.set_ylim(low, 1.02)
    axes.set_aspect("equal")
    ticks = [tenth / 10 for tenth in range(round(10 * low), 11)]
    axes.set_yticks(ticks)
    axes.set_xticks(ticks[1:])  # the corner has one number, not two on each other
    axes.legend(frameon=False, fontsize=8.5, loc="upper left", labelcolor=INK)
    return to_png(figure, phantom=phantom)


def _curve(axes: Axes, rows: pd.DataFrame, color: str, line: str, name: str) -> None:
    times, alive, low, high = (rows[column].to_numpy(float) for column in ("time_days", "survival", "low", "high"))
    if len(times) and times[0] > 0:
        times, alive, low, high = (np.insert(values, 0, first) for values, first in
                                   ((times, 0.0), (alive, 1.0), (low, 1.0), (high, 1.0)))  # fmt: skip
    axes.fill_between(times, low, high, step="post", color=color, alpha=0.16, linewidth=0)
    axes.step(times, alive, where="post", color=color, linestyle=line, linewidth=1.9, label=name.replace("$", r"\$"))


def _at_risk(rows: pd.DataFrame, time_days: float) -> str:
    """How many are still watched: the number before the first time that is not earlier."""
    later = rows[rows["time_days"] >= time_days]["at_risk"]
    count: Any = later.iloc[0] if len(later) else 0.0
    return "–" if math.isnan(count) else f"{count:.0f}"


def _group_name(group: str) -> str:
    return f"{group} risk" if group in GROUPS else group or "unnamed"


def _floor(values: list[float]) -> float:
    """The lower end of both axes: a multiple of 0.1 below everything."""
    known = [value for value in values if not math.isnan(value)]
    return max(0.0, math.floor(10 * min(known, default=0.0) - 0.5) / 10)
