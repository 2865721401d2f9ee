"""Training samples before and after augmentation, side by side, with what is outlined in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.report.canvas import new_figure, plain_name, to_png
from hnseg.report.panels import BACKGROUND, CT, LIGHT
from hnseg.report.planes import outlines_mm
from hnseg.report.structures import structure_colors

PAIRS_A_ROW, MOST_PAIRS = 3, 9
AIR_HU = -500.0
"""What has values below this is CT; anything else is shown from its 1st to its 99th percentile."""


def augmented_samples(samples: Mapping[str, NDArray[Any]], *, phantom: bool) -> bytes:
    """PNG bytes: up to nine samples, three pairs a row.

    Args:
        samples: ``before``, ``after`` (n, Y, X) in HU, their label maps, ``names`` of the structures and ``case`` (n,).
        phantom: whether to mark the figure.
    """
    count = min(MOST_PAIRS, len(samples["before"]))
    names = [str(name) for name in samples["names"]]
    colors = list(structure_colors(names).values())
    columns = min(PAIRS_A_ROW, count)
    rows = -(-count // columns)
    figure = new_figure(10.4, 0.55 + rows * 0.25 + rows * 10.4 / (2 * PAIRS_A_ROW), BACKGROUND)
    panels = figure.subplots(rows, 2 * columns, squeeze=False)
    limits = _limits(samples["before"])
    for axes in panels.flat:
        axes.set_axis_off()
    for place in range(count):
        row, column = divmod(place, columns)
        for offset, when in enumerate(("before", "after")):
            axes = panels[row, 2 * column + offset]
            _draw(axes, samples[when][place], samples[f"{when}_label"][place], limits, colors)
            title = f"{samples['case'][place]}" if when == "before" else "augmented"
            axes.set_title(title, color=LIGHT, fontsize=9, loc="left", parse_math=False)
    seen = np.unique(np.concatenate([samples[f"{when}_label"][:count].ravel() for when in ("before", "after")]))
    values = [int(value) for value in seen if 0 < value <= len(names)]
    handles = [Line2D([], [], color=colors[value - 1], linewidth=2) for value in values]
    shown = [plain_name(names[value - 1]) for value in values]
    if handles:
        figure.legend(handles, shown, loc="outside lower center", ncols=5, frameon=False, labelcolor=LIGHT, fontsize=9)
    return to_png(figure, phantom=phantom, dpi=120)


def _limits(images: NDArray[Any]) -> tuple[float, float]:
    """Soft tissue for CT."""
    if np.nanmin(images) < AIR_HU:
        return CT.low, CT.high
    low, high = (float(value) for value in np.nanpercentile(images, (1, 99)))
    return low, max(high, low + 1e-6)


def _draw(axes: Axes, image: NDArray[Any], label: NDArray[Any], limits: tuple[float, float], colors: list[str]) -> None:
    height, width = image.shape
    axes.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1], extent=(0, width, height, 0))
    edge = [patheffects.withStroke(linewidth=2.4, foreground="#000000", alpha=0.45)]
    for value in np.unique(label[label > 0]):
        for line in outlines_mm(label == value, (1.0, 1.0)):
            color = colors[(int(value) - 1) % len(colors)]
            axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1.3, path_effects=edge)
