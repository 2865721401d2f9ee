"""Figure 3 of Rainio et al. 2024, doi:10.1007/s13721-024-00483-0: slices outlined along the edges of their pixels.

The colours are the paper's: truth grey, CNNonly purple, rand1CNN green, cm1CNN blue. The paper turned its slices by 90
degrees, because its reader stores them lying. Ours are stored as seen from the patient (:mod:`hnseg.prepare.axial`), so
they are drawn as radiologists read them: front above, the patient's right on the left. Where outlines run together the
narrower one lies on the wider.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hnseg.report.canvas import INK, new_figure, to_png
from hnseg.report.five_examples import Example

OUTLINES = {
    "truth": ("#7d848a", 4.0),
    "CNNonly": ("#8e3db0", 3.2),
    "rand1CNN": ("#1f9e48", 2.2),
    "cm1CNN": ("#1565d8", 1.3),
}
"""Colour and width in points."""
SEAM_POINTS = 2.4
LEAST_PIXELS, MARGIN_PIXELS = 32, 5
"""Of the enlarged part: its side, and what is seen around the outlines."""
COLUMNS = 4
PANEL_IN, GAP_IN, TOP_IN, BELOW_IN, LEGEND_IN, LINE_IN = 2.5, 0.08, 0.48, 1.16, 0.4, 0.215


def outline_figure(shown: list[Example], *, phantom: bool) -> bytes:
    """PNG bytes: whole slices above, the outlined part of each enlarged below, and Dice beneath."""
    figure, panels = _panels()
    for axes in panels.flat:
        axes.set_axis_off()
    for letter, example, (whole, part) in zip("ABCD", shown, panels.T, strict=False):
        box = enlarged_part(example)
        _draw(whole, example, scale=0.45)
        _draw(part, example, scale=1.0)
        (top, bottom), (left, right) = box
        whole.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=INK, linewidth=0.8))
        part.set(xlim=(left, right), ylim=(bottom, top))
        whole.set_title(
            f"({letter}) patient {example.case}\nslice {example.slice}", fontsize=9, color=INK, parse_math=False
        )
        for x, side, align in ((0.02, "R", "left"), (0.98, "L", "right")):
            whole.text(x, 0.5, side, transform=whole.transAxes, ha=align, va="center", fontsize=8, color=INK)
        _dice_below(part, example)
    _legend(figure, shown)
    return to_png(figure, phantom=phantom)


def pixel_edges(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, 2, 2) the edges between pixels inside and outside of a mask (Y, X): two ends, each x and y.

    Pixel (y, x) reaches from x - 0.5 to x + 0.5, as matplotlib draws it; what is beyond the slice is outside.
    """
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    flat = np.stack([columns - 0.5, rows - 0.5, columns + 0.5, rows - 0.5], axis=-1)
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = np.stack([columns - 0.5, rows - 0.5, columns - 0.5, rows + 0.5], axis=-1)
    return np.concatenate([flat, upright]).reshape(-1, 2, 2).astype(np.float64)


def enlarged_part(example: Example) -> tuple[tuple[float, float], tuple[float, float]]:
    """Edges of a square that holds all outlines: rows from and to, columns from and to."""
    seen = np.logical_or.reduce(list(example.masks.values()))
    rows, columns = np.nonzero(seen)
    if len(rows) == 0:
        rows, columns = (np.array([0, size - 1]) for size in seen.shape)
    side = max(LEAST_PIXELS, *(int(np.ptp(places)) + 1 + 2 * MARGIN_PIXELS for places in (rows, columns)))
    edges = []
    for places, size in ((rows, seen.shape[0]), (columns, seen.shape[1])):
        start = (places.min() + places.max() + 1 - min(side, size)) / 2
        start = min(max(start, 0), size - min(side, size))
        edges.append((start - 0.5, start + min(side, size) - 0.5))
    return edges[0], edges[1]


def _draw(axes: Axes, example: Example, scale: float) -> None:
    low, high = float(example.image.min()), float(example.image.max())  # SUV, or what a network sees
    axes.imshow(example.image, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
    # grey on a grey picture: a white seam tells the truth from the image
    seam = ("truth", ("white", OUTLINES["truth"][1] + SEAM_POINTS))
    for name, (color, width) in (seam, *OUTLINES.items()):
        if name in example.masks:
            edges = list(pixel_edges(example.masks[name]))
            axes.add_collection(LineCollection(edges, colors=color, linewidths=scale * width, capstyle="projecting"))


def _dice_below(axes: Axes, example: Example) -> None:
    """The five methods' Dice, those that are outlined in their colour."""
    for place, (name, dice) in enumerate(example.dice.items()):
        color = OUTLINES.get(name, (INK, 0))[0]
        height = -(0.06 + LINE_IN * place) / PANEL_IN
        empty = name in example.masks and not example.masks[name].any()
        text = f"{name}  {dice:.3f}" + " (nothing outlined)" * empty
        axes.text(0.02, height, text, transform=axes.transAxes, va="top", fontsize=9, color=color)


def _legend(figure: Figure, shown: list[Example]) -> None:
    names = [name for name in OUTLINES if any(name in example.masks for example in shown)]
    handles = [Line2D([], [], color=OUTLINES[name][0], linewidth=OUTLINES[name][1]) for name in names]
    figure.legend(handles, names, loc="lower center", ncols=4, frameon=False, fontsize=9.5, labelcolor=INK)


def _panels() -> tuple[Figure, NDArray[Any]]:
    """Two rows of squares with room for names above, and for Dice and a legend below."""
    width_in = COLUMNS * PANEL_IN + (COLUMNS + 1) * GAP_IN
    height_in = TOP_IN + 2 * PANEL_IN + GAP_IN + BELOW_IN + LEGEND_IN
    figure = new_figure(width_in, height_in)
    figure.set_layout_engine("none")
    space = {"wspace": GAP_IN / PANEL_IN, "hspace": GAP_IN / PANEL_IN}
    edges = {"left": GAP_IN / width_in, "right": 1 - GAP_IN / width_in, "top": 1 - TOP_IN / height_in}
    bottom = (BELOW_IN + LEGEND_IN) / height_in
    return figure, figure.subplots(2, COLUMNS, squeeze=False, gridspec_kw={**space, **edges, "bottom": bottom})
