"""The picture of a comparison: every patient's Dice in every source, as PNG bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, to_png


def paired_dice(cases: pd.DataFrame, *, phantom: bool) -> bytes:
    """Dice of every patient, joined by a line from source to source, a panel a structure.

    A bar stands for the mean of a source. A line that crosses the others is a patient whom one source does better with
    and another worse.

    Args:
        cases: columns ``case``, ``structure``, ``source`` and ``dice``; only the patients that were compared.
        phantom: whether to mark the figure.
    """
    structures = list(dict.fromkeys(cases["structure"]))
    sources = list(dict.fromkeys(cases["source"]))
    width = max(3.2, 1.0 + 0.9 * len(sources))
    figure = new_figure(width * len(structures), 3.6)
    panels = figure.subplots(1, len(structures), squeeze=False, sharey=True).flat
    for axes, structure in zip(panels, structures, strict=True):
        rows = cases[cases["structure"] == structure]
        wide = rows.pivot(index="case", columns="source", values="dice")[sources]  # noqa: PD010  (one row a patient)
        plain_axes(axes, f"{structure}, n = {len(wide)}", "", "Dice" if structure == structures[0] else "")
        _dots(axes, wide)
        slanted = len(sources) > 3 or max(map(len, sources)) > 14
        axes.set_xticks(range(len(sources)), sources, parse_math=False)
        axes.tick_params(axis="x", rotation=30 if slanted else 0)
        for label in axes.get_xticklabels():
            label.set_ha("right" if slanted else "center")
        axes.set_xlim(-0.5, len(sources) - 0.5)
        axes.set_ylim(-0.03, 1.03)
    return to_png(figure, phantom=phantom)


def _dots(axes: Axes, wide: pd.DataFrame) -> None:
    """A line and dots a patient (row), a bar at the mean of each source (column)."""
    places = np.arange(wide.shape[1])
    faint = max(0.12, min(0.5, 12 / max(1, len(wide))))  # hundreds of patients must not become one block
    for scores in wide.to_numpy(float):
        axes.plot(places, scores, color=INK, alpha=faint, linewidth=0.8, zorder=2)
    for place, name in enumerate(wide.columns):
        color = SERIES[place % len(SERIES)]
        axes.scatter(np.full(len(wide), place), wide[name], s=15, color=color, alpha=0.7, linewidths=0, zorder=3)
        mean = wide[name].mean()
        axes.plot([place - 0.22, place + 0.22], [mean, mean], color=color, linewidth=2.6, zorder=4)
