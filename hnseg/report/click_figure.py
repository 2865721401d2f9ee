"""Dice against the number of clicks, as PNG bytes."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes

from hnseg.evaluate.click_curves import GOOD_DICE
from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, plain_name, to_png
from hnseg.report.click_views import method_name

COLUMNS = 3
"""Panels in a row."""
LOOKS = (("-", "o"), ("--", "s"), (":", "^"))
"""Line and marker of each method, so that they are told apart without colour."""


def click_curves(curve: pd.DataFrame, *, phantom: bool) -> bytes:
    """Median Dice against the number of clicks, with its 95 % band over patients: a panel a structure, a line a method.

    Args:
        curve: of :func:`hnseg.evaluate.click_curves.click_curve`, with a line at least.
        phantom: whether to mark the figure.
    """
    structures, methods = (list(dict.fromkeys(curve[name])) for name in ("structure", "method"))
    columns = min(COLUMNS, len(structures))
    rows = math.ceil(len(structures) / columns)
    figure = new_figure(7.2 if columns == 1 else 3.5 * columns, 3.6 * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for axes, structure in zip(panels, structures, strict=False):
        plain_axes(axes, f"Dice by clicks: {structure}", "clicks of the robot", "median Dice")
        for place, method in enumerate(methods):
            line = curve[(curve["structure"] == structure) & (curve["method"] == method)]
            _line(axes, line, place, method_name(method))
        axes.axhline(GOOD_DICE, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        axes.text(
            1.01, GOOD_DICE, f"{GOOD_DICE:g}", transform=axes.get_yaxis_transform(), fontsize=8, color=INK, va="center"
        )
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks(sorted(set(curve["clicks"])))
        axes.tick_params(labelbottom=True, labelleft=True)
    for unused in panels[len(structures) :]:
        unused.remove()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5)
    return to_png(figure, phantom=phantom)


def _line(axes: Axes, line: pd.DataFrame, place: int, name: str) -> None:
    """A method's medians; with one patient there is no band."""
    color, (style, marker) = SERIES[place % len(SERIES)], LOOKS[place % len(LOOKS)]
    label = f"{plain_name(name)}, with 95 % interval" if line["dice_median_low"].notna().any() else plain_name(name)
    axes.fill_between(
        line["clicks"], line["dice_median_low"], line["dice_median_high"], color=color, alpha=0.16, linewidth=0
    )
    axes.plot(line["clicks"], line["dice_median"], color=color, linestyle=style, marker=marker, markersize=4.5,
              linewidth=1.8, label=label, zorder=3)  # fmt: skip
