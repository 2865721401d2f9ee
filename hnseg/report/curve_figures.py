"""The plots of training: loss, scores and learning rate by epoch. Each returns PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, plain_name, to_png
from hnseg.report.curves import Switch, rate_columns, series, structure_scores
from hnseg.report.end_labels import name_ends
from hnseg.report.structures import structure_colors

STYLES = ("-", "--", ":", "-.")  # a second round through the colours stays apart
MOST_RATES = 9
"""A learning rate with no more values than this is drawn as steps, each value named."""


def learning_curves(
    epochs: pd.DataFrame, *, monitor: str, best_epoch: int | None, phantom: bool, switch: Switch | None = None
) -> bytes:
    """Loss, the monitored score and the learning rate against the epoch.

    Args:
        epochs: a row an epoch, as ``curves.by_epoch`` makes it.
        monitor: the column whose best epoch was kept.
        best_epoch: marked by a line where known.
        phantom: whether to mark the figure.
        switch: where a second optimizer took over, if any.
    """
    figure = new_figure(10.0, 3.2)
    loss, score, rate = figure.subplots(1, 3)
    plain_axes(loss, "Loss", "epoch", "")
    _lines(loss, epochs, {"training": "train/loss", "validation": "val/loss"})
    plain_axes(score, f"Chosen by {monitor}", "epoch", "")
    _lines(score, epochs, {"validation": monitor})
    _mark_best(score, best_epoch)
    plain_axes(rate, "Learning rate", "epoch", "")
    _rates(rate, epochs)
    for axes in (loss, score, rate):
        _mark_switch(axes, epochs, switch)
        _legend(axes)
    return to_png(figure, phantom=phantom)


def structure_curves(
    epochs: pd.DataFrame,
    names: Sequence[str],
    *,
    best_epoch: int | None,
    phantom: bool,
    switch: Switch | None = None,
) -> bytes:
    """Validation Dice of every structure against the epoch, a thin line each, named at its end; their mean is bold.

    Args:
        epochs: a row an epoch, as ``curves.by_epoch`` makes it.
        names: all structures; those whose Dice was never logged have no line.
        best_epoch: marked by a line where known.
        phantom: whether to mark the figure.
        switch: where a second optimizer took over, if any.
    """
    height_in = max(3.6, 1.2 + 0.28 * len(names))
    figure = new_figure(10.0, height_in)
    axes = figure.subplots()
    plain_axes(axes, "Dice of the validation patients, by structure", "epoch", "")
    colors, lines = structure_colors(names), structure_scores(epochs, names)
    ends: list[tuple[float, str, str]] = []
    for name, values in lines.items():
        axes.plot(values.index, values, color=colors[name], linewidth=1.1, marker="o" if len(values) == 1 else "")
        ends.append((float(values.iloc[-1]), f"{name}  {values.iloc[-1]:.2f}", colors[name]))
    mean = series(epochs, "val/dice")
    if len(mean):
        axes.plot(mean.index, mean, color=INK, linewidth=2.8, marker="o" if len(mean) == 1 else "", zorder=4)
        ends.append((float(mean.iloc[-1]), f"mean  {mean.iloc[-1]:.2f}", INK))
    axes.set_ylim(-0.02, 1.02)
    axes.margins(x=0.01)
    _whole_epochs(axes, epochs)
    _mark_best(axes, best_epoch)
    _mark_switch(axes, epochs, switch)
    _legend(axes)
    name_ends(axes, height_in - 0.8, ends)
    return to_png(figure, phantom=phantom)


def fold_curves(folds: Mapping[str, pd.DataFrame], *, monitor: str, phantom: bool) -> bytes:
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
                values.index, values, color=color, linestyle=style, linewidth=1.5, marker=marker, label=plain_name(fold)
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8.5, labelcolor=INK)
    return to_png(figure, phantom=phantom)


def _lines(axes: Axes, epochs: pd.DataFrame, columns: Mapping[str, str]) -> None:
    for color, (label, name) in zip(SERIES, columns.items(), strict=False):
        values = series(epochs, name)
        if len(values):
            marker = "o" if len(values) < 40 else ""  # a single epoch would be invisible as a line
            axes.plot(values.index, values, color=color, marker=marker, markersize=3.5, linewidth=1.7, label=label)
    _whole_epochs(axes, epochs)


def _whole_epochs(axes: Axes, epochs: pd.DataFrame) -> None:
    if len(epochs) == 1:
        axes.set_xticks(list(epochs.index))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _rates(axes: Axes, epochs: pd.DataFrame) -> None:
    """A rate that falls in steps is drawn as steps, with each value named; else as a line."""
    names = rate_columns(epochs)
    values = epochs[names].to_numpy(float)
    levels = np.unique([float(f"{value:.3g}") for value in values[np.isfinite(values)]])
    if 1 < len(levels) <= min(MOST_RATES, len(epochs) // 2) and levels.min() > 0:
        for color, name in zip(SERIES, names, strict=False):
            rate = series(epochs, name)
            axes.step(rate.index, rate, where="mid", color=color, linewidth=1.8, label=plain_name(name))
        axes.set_yscale("log")
        axes.set_yticks(levels, [f"{level:.3g}" for level in levels])
        axes.yaxis.set_minor_locator(NullLocator())
        _whole_epochs(axes, epochs)
        return
    _lines(axes, epochs, {name: name for name in names})
    if levels.size and levels.min() > 0 and levels.max() / levels.min() > 20:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))


def _mark_best(axes: Axes, best_epoch: int | None) -> None:
    if best_epoch is not None and best_epoch >= 0 and axes.lines:
        axes.axvline(best_epoch, color=INK, linewidth=1, linestyle=(0, (3, 3)), label=f"best epoch ({best_epoch})")


def _mark_switch(axes: Axes, epochs: pd.DataFrame, switch: Switch | None) -> None:
    """A line where the second optimizer took over, if training got as far."""
    if switch is not None and len(epochs) and epochs.index.max() >= switch.epoch:
        axes.axvline(switch.epoch - 0.5, color=SERIES[6], linewidth=1.4, linestyle=":", label=plain_name(switch.text))


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
