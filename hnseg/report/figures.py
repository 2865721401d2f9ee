"""The plots of a report: learning curves, Dice by centre, predicted against true volume. Each returns PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, to_png
from hnseg.report.curves import rate_columns, series

Table = pd.DataFrame
STYLES = ("-", "--", ":", "-.")  # a second round through the colours stays apart


def learning_curves(epochs: Table, *, monitor: str, best_epoch: int | None, phantom: bool) -> bytes:
    """Loss, the monitored score and the learning rate against the epoch.

    Args:
        epochs: a row an epoch, as ``curves.by_epoch`` makes it.
        monitor: the column whose best epoch was kept.
        best_epoch: marked by a line where known.
        phantom: whether to mark the figure.
    """
    figure = new_figure(10.0, 3.2)
    loss, score, rate = figure.subplots(1, 3)
    plain_axes(loss, "Loss", "epoch", "")
    _lines(loss, epochs, {"training": "train/loss", "validation": "val/loss"}, None)
    plain_axes(score, f"Chosen by {monitor}", "epoch", "")
    _lines(score, epochs, {"validation": monitor}, best_epoch)
    plain_axes(rate, "Learning rate", "epoch", "")
    _lines(rate, epochs, {name: name for name in rate_columns(epochs)}, None)
    if _spans_decades(epochs, rate_columns(epochs)):
        rate.set_yscale("log")
    else:
        rate.yaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))
    return to_png(figure, phantom=phantom)


def dice_by(cases: Table, by: str = "centre", *, phantom: bool) -> bytes:
    """Dice of every test patient, a box a centre or fold, a panel a structure.

    Args:
        cases: columns ``structure``, ``dice`` and ``by``.
        by: ``centre`` (sorted) or ``fold`` (in the table's order).
        phantom: whether to mark the figure.
    """
    structures = list(dict.fromkeys(cases["structure"]))
    centres = sorted(set(cases["centre"])) if by == "centre" else list(dict.fromkeys(cases[by]))
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


def fold_curves(folds: Mapping[str, Table], *, monitor: str, phantom: bool) -> bytes:
    """Training loss and the monitored score of every fold against the epoch, a line a fold.

    Args:
        folds: name to a row an epoch, as ``curves.by_epoch`` makes it.
        monitor: the column whose best epoch was kept.
        phantom: whether to mark the figure.
    """
    figure = new_figure(10.0, 3.6)
    panels = figure.subplots(1, 2)
    for axes, (title, name) in zip(panels, {"Training loss": "train/loss", monitor: monitor}.items(), strict=True):
        plain_axes(axes, title, "epoch", "")
        for place, (fold, epochs) in enumerate(folds.items()):
            values = series(epochs, name)
            marker = "o" if len(values) == 1 else ""
            color, style = SERIES[place % len(SERIES)], STYLES[place // len(SERIES) % len(STYLES)]
            axes.plot(
                values.index, values, color=color, linestyle=style, linewidth=1.5, marker=marker, label=_plain(fold)
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8.5, labelcolor=INK)
    return to_png(figure, phantom=phantom)


def volumes(cases: Table, *, phantom: bool) -> bytes:
    """Predicted against true volume in millilitres, on logarithmic scales.

    Where one is below 0.1 mL, an empty prediction say, the scales are linear up to there and reach zero.

    Args:
        cases: columns ``structure``, ``volume_mm3`` and ``truth_volume_mm3``.
        phantom: whether to mark the figure.
    """
    figure = new_figure(5.4, 3.8)
    axes = figure.subplots()
    plain_axes(axes, "Volume", "true volume (mL)", "predicted volume (mL)")
    for color, (structure, rows) in zip(_colors(), cases.groupby("structure", sort=False), strict=False):
        true_ml, predicted_ml = rows["truth_volume_mm3"] / 1000.0, rows["volume_mm3"] / 1000.0
        axes.scatter(true_ml, predicted_ml, s=26, color=color, alpha=0.75, linewidths=0, label=str(structure))
    _volume_scales(axes, cases[["volume_mm3", "truth_volume_mm3"]].to_numpy(float) / 1000.0)
    _legend(axes)
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


def _lines(axes: Axes, epochs: Table, columns: dict[str, str], best_epoch: int | None) -> None:
    for color, (label, name) in zip(_colors(), columns.items(), strict=False):
        values = series(epochs, name)
        if values.empty:
            continue
        marker = "o" if len(values) < 40 else ""  # a single epoch would be invisible as a line
        axes.plot(values.index, values, color=color, marker=marker, markersize=3.5, linewidth=1.7, label=label)
    if best_epoch is not None and best_epoch >= 0:
        axes.axvline(best_epoch, color=INK, linewidth=1, linestyle=(0, (3, 3)), label=f"best epoch ({best_epoch})")
    if len(epochs) == 1:
        axes.set_xticks(list(epochs.index))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)


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


def _spans_decades(epochs: Table, columns: list[str]) -> bool:
    values = epochs[columns].to_numpy(float)
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() / values.min() > 20)


def _plain(name: str) -> str:
    """A name that matplotlib takes for neither a formula nor a hidden line."""
    return name.lstrip("_").replace("$", r"\$") or "unnamed"


def _colors() -> list[str]:
    return list(SERIES)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
