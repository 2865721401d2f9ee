"""What every picture of a patient is made of: panels at one scale, an image in grey or colour, outlines, lettering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hnseg.report.canvas import new_figure
from hnseg.report.planes import PLANES, Plane, View, outlines_mm
from hnseg.types import Volume

BACKGROUND = "#14181c"
LIGHT = "#e9edf0"
SCALE_BAR_MM = 20
FIGURE_IN, TOP_IN, BOTTOM_IN, GAP_IN = 10.4, 0.6, 0.35, 0.04


@dataclass(frozen=True)
class Layer:
    """How an image is shown: values from ``low`` to ``high`` through a colour map.

    With ``glow`` low values are transparent, so that what lies below stays as it was.
    """

    modality: str
    low: float
    high: float
    colors: str
    glow: bool = False


CT = Layer("ct", -160.0, 240.0, "gray")
PET = Layer("pt", 0.0, 10.0, "gray_r")


def image_layers(images: Mapping[str, Volume]) -> dict[str, Layer]:
    """What is written on each image's panel, to how it is shown by itself."""
    layers: dict[str, Layer] = {}
    for name, volume in images.items():
        if name == "ct":
            layers["CT, -160 to 240 HU"] = CT
        elif name == "pt":
            layers["PET, SUV 0 to 10"] = PET
        else:
            low, high = (float(value) for value in np.nanpercentile(volume.array, (1, 99)))
            layers[f"{name}, {low:.4g} to {high:.4g}"] = Layer(name, low, max(high, low + 1e-6), "gray")
    return layers


def panel_grid(
    view: View, planes: Sequence[Plane], n_rows: int, top_in: float = TOP_IN, bottom_in: float = BOTTOM_IN
) -> tuple[Figure, NDArray[Any]]:
    """Axes of (n_rows, len(planes)), so that one scale holds in all of them and nothing but thin gaps lies between.

    ``top_in`` inches are left free above them for a title, ``bottom_in`` below them for a legend.
    """
    widths = [view.extent_mm(plane)[1] for plane in planes]
    inch_per_mm = (FIGURE_IN - (len(planes) + 1) * GAP_IN) / sum(widths)
    panel_in = inch_per_mm * max(view.extent_mm(plane)[0] for plane in planes)
    height_in = top_in + n_rows * (panel_in + GAP_IN) + bottom_in
    figure = new_figure(FIGURE_IN, height_in, BACKGROUND)
    figure.set_layout_engine("none")
    panels = figure.subplots(
        n_rows,
        len(planes),
        squeeze=False,
        gridspec_kw={
            "width_ratios": widths,
            "left": GAP_IN / FIGURE_IN,
            "right": 1 - GAP_IN / FIGURE_IN,
            "top": 1 - top_in / height_in,
            "bottom": (bottom_in + GAP_IN) / height_in,
            "wspace": GAP_IN / (inch_per_mm * sum(widths) / len(planes)),
            "hspace": GAP_IN / panel_in,
        },
    )
    return figure, panels


def show(axes: Axes, view: View, plane: Plane, layers: Sequence[tuple[Layer, NDArray[Any]]]) -> None:
    """Draw images over each other, and the letters of the patient's sides."""
    height, width = view.extent_mm(plane)
    for layer, array in layers:
        values = np.asarray(view.cut(array, plane), np.float32)
        scaled = np.clip((values - layer.low) / (layer.high - layer.low), 0.0, 1.0)
        axes.imshow(
            values,
            cmap=layer.colors,
            vmin=layer.low,
            vmax=layer.high,
            alpha=np.clip(1.8 * scaled - 0.3, 0.0, 0.6) if layer.glow else None,
            extent=(0.0, width, height, 0.0),
            interpolation="bilinear",
        )
    axes.set_axis_off()
    left, right, top, bottom = plane.letters
    for x, y, letter in ((0.02, 0.5, left), (0.98, 0.5, right), (0.5, 0.98, top), (0.5, 0.02, bottom)):
        horizontal = {0.02: "left", 0.98: "right"}.get(x, "center")
        vertical = {0.02: "bottom", 0.98: "top"}.get(y, "center")
        axes.text(
            x,
            y,
            letter,
            transform=axes.transAxes,
            ha=horizontal,
            va=vertical,
            **lettering([layer for layer, _ in layers]),
        )


def outline(
    axes: Axes, view: View, plane: Plane, labels: NDArray[Any], color: str, dashes: Sequence[float] = ()
) -> None:
    """Outline each structure by itself, so that two that touch stay apart; drawn through where there are no dashes."""
    flat = view.cut(labels, plane)
    height, width = view.extent_mm(plane)
    pixel_mm = (height / flat.shape[0], width / flat.shape[1])
    edge = [patheffects.withStroke(linewidth=2.6, foreground="#000000", alpha=0.45)]
    for value in np.unique(flat[flat > 0]):
        for line in outlines_mm(flat == value, pixel_mm):
            axes.plot(
                line[:, 0], line[:, 1], color=color, linewidth=1.5, path_effects=edge, dashes=dashes or (None, None)
            )


def remark(labels: NDArray[Any], view: View, planes: Sequence[Plane] = PLANES, missing: bool = False) -> str:
    """A remark for the legend where an outline cannot be seen."""
    if missing:
        return " (no file)"
    if not labels.any():
        return " (empty)"
    seen = any(view.cut(labels, plane).any() for plane in planes)
    return "" if seen else " (outside these slices)"


def scale_bar(axes: Axes, view: View, layers: Sequence[Layer] = ()) -> None:
    """A bar of 20 mm in an axial panel, to be seen on the images that it shows."""
    style = lettering(layers)
    height, width = view.extent_mm(PLANES[0])
    start, row = 0.04 * width, 0.95 * height
    axes.plot([start, start + SCALE_BAR_MM], [row, row], color=style["color"], linewidth=3, solid_capstyle="butt")
    axes.text(start, row - 0.015 * height, f"{SCALE_BAR_MM} mm", va="bottom", **style)


def lettering(layers: Sequence[Layer]) -> dict[str, Any]:
    """Lettering that can be read on an image: dark on inverted PET, light on all others."""
    color, edge = (BACKGROUND, "#ffffff") if [layer.colors for layer in layers] == ["gray_r"] else (LIGHT, BACKGROUND)
    stroke = [patheffects.withStroke(linewidth=2.2, foreground=edge)]
    return {"color": color, "fontsize": 9.5, "fontweight": "bold", "path_effects": stroke, "parse_math": False}
