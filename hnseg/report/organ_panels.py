"""One slice of a patient with structures over it, each filled, outlined and numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.report.panels import BACKGROUND, Layer, lettering, show
from hnseg.report.planes import Plane, View, outlines_mm

FILL = 0.38
ROOM_MM = 4.5
"""A structure that is at least twice as thick has room for its number."""
TRUTH_DASHES = (2.2, 1.4)


@dataclass(frozen=True, eq=False)
class Row:
    """What one row of panels shows over the CT: coloured ``labels``, and ``below`` them the truth as a fine line."""

    name: str
    labels: NDArray[Any] | None = None
    below: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """The CT and how structures are drawn over it; ``faint`` are label values that nobody annotated."""

    layer: Layer
    image: NDArray[Any]
    colors: tuple[str, ...]
    faint: frozenset[int]


def draw_panel(axes: Axes, scene: Scene, view: View, plane: Plane, row: Row) -> None:
    """Draw the CT, and over it what the row shows there."""
    show(axes, view, plane, [(scene.layer, scene.image)])
    if row.labels is None:
        return
    height, width = view.extent_mm(plane)
    flat = view.cut(row.labels, plane)
    colors = np.zeros((1 + len(scene.colors), 4))
    for value, color in enumerate(scene.colors, start=1):
        colors[value] = to_rgba(color, 0.0 if value in scene.faint else FILL)
    axes.imshow(colors[flat], extent=(0.0, width, height, 0.0), interpolation="nearest")
    edge = [patheffects.withStroke(linewidth=2.2, foreground="#000000", alpha=0.4)]
    pixel_mm = (height / flat.shape[0], width / flat.shape[1])
    for value in np.unique(flat[flat > 0]):
        color = scene.colors[value - 1]
        style = ":" if value in scene.faint else "-"
        for line in outlines_mm(flat == value, pixel_mm):
            axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1.3, path_effects=edge, linestyle=style)
        _number(axes, int(value), flat == value, color, pixel_mm)
    if row.below is not None:
        under = view.cut(row.below, plane)
        for value in np.unique(under[under > 0]):
            for line in outlines_mm(under == value, pixel_mm):
                axes.plot(line[:, 0], line[:, 1], color="#ffffff", linewidth=0.7, dashes=TRUTH_DASHES)


def _number(axes: Axes, value: int, mask: NDArray[np.bool_], color: str, pixel_mm: tuple[float, float]) -> None:
    """The structure's number, on its thickest place where there is room, else beside it and away from the midline."""
    depth_mm = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=pixel_mm)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth_mm.argmax()), mask.shape)
    x, y = (column + 0.5) * pixel_mm[1], (row + 0.5) * pixel_mm[0]
    anchor, shade = ("center", "center_baseline"), "#ffffff"
    if depth_mm.max() < ROOM_MM:
        columns = np.flatnonzero(mask.any(axis=0))
        left = x < mask.shape[1] * pixel_mm[1] / 2
        x = (columns[0] - 0.5 if left else columns[-1] + 1.5) * pixel_mm[1]
        anchor, shade = ("right" if left else "left", "center_baseline"), color
    stroke = [patheffects.withStroke(linewidth=2.0, foreground=BACKGROUND)]
    axes.text(x, y, str(value), ha=anchor[0], va=anchor[1], color=shade, fontsize=7.5, fontweight="bold",
              path_effects=stroke, clip_on=True)  # fmt: skip


def name_panel(axes: Axes, text: str) -> None:
    """Write what a panel shows into its upper left corner."""
    axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", **(lettering([]) | {"fontsize": 8.5}))
