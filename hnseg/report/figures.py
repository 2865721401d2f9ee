"""The plots of scores: Dice by centre or fold, predicted against true volume. Each returns PNG bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from hnseg.evaluate.organ_table import LEAST_N
from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, plain_name, to_png
from hnseg.report.structures import MANY, structure_colors

Table = pd.DataFrame
LANE = 0.78
"""Share of a structure's row that its points may fill."""


def dice_by(cases: Table, by: str = "centre", *, phantom: bool) -> bytes:
    """Dice of every test patient, a box a centre or fold, a panel a structure.

    Of many structures each is a row instead: one box, and every centre's or fold's points in a colour and lane.

    Args:
        cases: columns ``structure``, ``dice`` and ``by``.
        by: ``centre`` (sorted) or ``fold`` (in the table's order).
        phantom: whether to mark the figure.
    """
    structures = list(dict.fromkeys(cases["structure"]))
    centres = sorted(set(cases["centre"])) if by == "centre" else list(dict.fromkeys(cases[by]))
    if len(structures) >= MANY:
        return _dice_by_structure(cases, structures, by, centres, phantom)
    figure = new_figure(max(5.4, 0.95 * len(centres)), 0.9 + 2.9 * len(structures))
    for axes, structure in zip(figure.subplots(len(structures), 1, squeeze=False).flat, structures, strict=True):
        rows = cases[cases["structure"] == structure]
        groups = [rows.loc[rows[by] == centre, "dice"].dropna().to_numpy(float) for centre in centres]
        plain_axes(axes, f"Dice by {by}: {structure}", "", "Dice")
        _boxes(axes, groups)
        names = [f"{centre or 'unknown'}\nn = {len(group)}" for centre, group in zip(centres, groups, strict=True)]
        axes.set_xticks(range(len(centres)), names, parse_math=False)
        axes.set_xlim(-0.6, len(centres) - 0.4)
        axes.set_ylim(-0.03, 1.03)
    return to_png(figure, phantom=phantom)


def volumes(cases: Table, *, phantom: bool) -> bytes:
    """Predicted against true volume in millilitres, on logarithmic scales.

    Where one is below 0.1 mL, an empty prediction say, the scales are linear up to there and reach zero.

    Args:
        cases: columns ``structure``, ``volume_mm3`` and ``truth_volume_mm3``.
        phantom: whether to mark the figure.
    """
    colors = structure_colors(list(dict.fromkeys(cases["structure"])))
    figure = new_figure(5.4 if len(colors) < MANY else 7.0, 3.8)
    axes = figure.subplots()
    plain_axes(axes, "Volume", "true volume (mL)", "predicted volume (mL)")
    for structure, color in colors.items():
        rows = cases[cases["structure"] == structure]
        true_ml, predicted_ml = rows["truth_volume_mm3"] / 1000.0, rows["volume_mm3"] / 1000.0
        label = plain_name(structure)
        axes.scatter(true_ml, predicted_ml, s=26, color=color, alpha=0.75, linewidths=0, label=label)
    _volume_scales(axes, cases[["volume_mm3", "truth_volume_mm3"]].to_numpy(float) / 1000.0)
    if len(colors) < MANY:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    else:
        figure.legend(loc="outside right center", frameon=False, fontsize=8.5, labelcolor=INK)
    return to_png(figure, phantom=phantom)


def _volume_scales(axes: Axes, volumes_ml: NDArray[np.float64]) -> None:
    known = volumes_ml[np.isfinite(volumes_ml)]
    high = 1.4 * max(0.5, known.max(initial=0.0))
    low = known.min(initial=high) / 1.4
    for scale, limits in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
        if low < 0.1:
            scale("symlog", linthresh=0.1, linscale=0.4)
            limits(-0.02, high)
        else:
            scale("log")
            limits(low, high)
    steps = [step * decade for decade in (0.1, 1.0, 10.0, 100.0, 1000.0) for step in (1, 2, 5)]
    ticks = [0.0, *steps] if low < 0.1 else steps
    ticks = [tick for tick in ticks if (low < 0.1 or tick >= low) and tick < high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if f"{tick:g}".strip("0.") in ("", "1")]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_minor_locator(NullLocator())
    axes.plot([low, high], [low, high], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="equal", zorder=1)


def _boxes(axes: Axes, groups: list[NDArray[Any]]) -> None:
    """A box where there are patients enough for quartiles, and every patient as a point."""
    large = [position for position, group in enumerate(groups) if len(group) > 2]
    axes.boxplot(
        [groups[position] for position in large] or [np.empty(0)],
        positions=large or [0],
        widths=0.5,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": "#d6e6f2", "edgecolor": SERIES[0]},
        medianprops={"color": SERIES[1], "linewidth": 2},
        whiskerprops={"color": SERIES[0]},
        capprops={"color": SERIES[0]},
        manage_ticks=False,
    )
    jitter = np.random.Generator(np.random.Philox(0))  # the same picture for the same numbers
    for position, group in enumerate(groups):
        axes.scatter(
            position + jitter.uniform(-0.14, 0.14, len(group)),
            group,
            s=16,
            color=INK,
            alpha=0.6,
            linewidths=0,
            zorder=3,
        )


def _dice_by_structure(cases: Table, structures: list[str], by: str, groups: list[str], phantom: bool) -> bytes:
    """A row a structure: a box of all patients, and every group's patients in a lane and colour."""
    figure = new_figure(8.4, 1.1 + len(structures) * max(0.42, 0.11 * len(groups)))
    axes = figure.subplots()
    plain_axes(axes, f"Dice by {by}" if len(groups) > 1 else "Dice of each patient", "Dice", "")
    jitter = np.random.Generator(np.random.Philox(0))
    names = []
    for row, structure in enumerate(structures):
        rows = cases[cases["structure"] == structure].dropna(subset="dice")
        names.append(f"{structure}   n = {len(rows)}")
        _wide_box(axes, row, rows["dice"].to_numpy(float))
        for place, group in enumerate(groups):
            scores = rows.loc[rows[by] == group, "dice"].to_numpy(float)
            label = plain_name(group or "unknown") if row == 0 else None
            _lane(axes, scores, row - LANE / 2 + LANE * (place + 0.5) / len(groups), LANE / len(groups),
                  SERIES[place % len(SERIES)], jitter, label)  # fmt: skip
    axes.set_yticks(range(len(structures)), names, parse_math=False)
    axes.set_ylim(len(structures) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.grid(visible=False, axis="y")
    if len(groups) > 1:
        figure.legend(loc="outside lower center", ncols=min(len(groups), 6), frameon=False, fontsize=8.5)
    return to_png(figure, phantom=phantom)


def _wide_box(axes: Axes, row: int, scores: NDArray[np.float64]) -> None:
    """A box along a structure's row, where there are patients enough for quartiles, with whiskers as usual."""
    if len(scores) < 3:
        return
    low, middle, high = (float(value) for value in np.quantile(scores, (0.25, 0.5, 0.75)))
    near = scores[(scores >= low - 1.5 * (high - low)) & (scores <= high + 1.5 * (high - low))]
    axes.plot([near.min(), near.max()], [row, row], color="#a9b2ba", linewidth=1.2, zorder=1)
    axes.barh(row, high - low, left=low, height=0.84, color="#e6ecf0", zorder=1.5)
    axes.plot([middle, middle], [row - 0.42, row + 0.42], color=INK, linewidth=2, zorder=2)


def _lane(
    axes: Axes,
    scores: NDArray[np.float64],
    middle: float,
    width: float,
    color: str,
    jitter: np.random.Generator,
    label: str | None,
) -> None:
    """Patients as points about ``middle``, and a bar at their mean where there are enough for one."""
    heights = middle + jitter.uniform(-0.3, 0.3, len(scores)) * width
    axes.scatter(scores, heights, s=15, color=color, alpha=0.75, linewidths=0, zorder=3, label=label)
    if len(scores) >= LEAST_N:
        axes.plot([scores.mean()] * 2, [middle - width / 2, middle + width / 2], color=color, linewidth=2.4, zorder=4)
