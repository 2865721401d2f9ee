"""One patient as a picture: CT, PET and both in three planes, truth and prediction outlined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.report.canvas import new_figure, to_png
from hnseg.report.planes import PLANES, Plane, View, outlines_mm, to_standard, view_of
from hnseg.types import Volume

BACKGROUND = "#14181c"
LIGHT = "#e9edf0"
TRUTH_COLOR = "#00c2f0"
PREDICTION_COLOR = "#ff4fd8"
SCALE_BAR_MM = 20
FIGURE_IN, TOP_IN, BOTTOM_IN, GAP_IN = 10.4, 0.6, 0.35, 0.04


@dataclass(frozen=True, eq=False)
class Patient:
    """What a picture needs, all on one grid.

    Attributes:
        case_id: the patient's name.
        images: modality (``ct`` in HU, ``pt`` in SUV, or another) to volume.
        truth: label map, all 0 where nobody outlined anything.
        prediction: label map, or None where there is no file.
    """

    case_id: str
    images: Mapping[str, Volume]
    truth: Volume
    prediction: Volume | None


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


def patient_picture(patient: Patient, *, title: str, phantom: bool) -> bytes:
    """PNG bytes: a row of planes for CT (level 40 HU, width 400), PET (SUV 0 to 10, inverted), and one for both.

    The slices go through the largest part of the tumour. All panels have one scale, in mm.
    """
    images = {name: to_standard(volume) for name, volume in patient.images.items()}
    truth = to_standard(patient.truth)
    empty = np.zeros(truth.grid.shape_zyx, np.uint8)
    prediction = empty if patient.prediction is None else to_standard(patient.prediction).array
    view = view_of(truth.array, prediction, truth.spacing_mm)
    rows = _rows(images)
    figure, panels = _panels(view, len(rows))
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), title, va="top", **(_label([]) | {"fontsize": 12}))
    for (name, layers), line in zip(rows.items(), panels, strict=True):
        for plane, axes in zip(PLANES, line, strict=True):
            _show(axes, view, plane, [(layer, images[layer.modality].array) for layer in layers])
            _outline(axes, view, plane, truth.array, TRUTH_COLOR)
            _outline(axes, view, plane, prediction, PREDICTION_COLOR)
        line[0].text(0.03, 0.97, name, transform=line[0].transAxes, va="top", **_label(layers))
    for plane, axes in zip(PLANES, panels[0], strict=True):
        axes.set_title(plane.name, color=LIGHT, fontsize=10)
    _scale_bar(panels[-1, 0], view)
    handles = [Line2D([], [], color=TRUTH_COLOR, linewidth=2), Line2D([], [], color=PREDICTION_COLOR, linewidth=2)]
    names = ["truth" + _where(truth.array, view), "prediction" + _where(prediction, view, patient.prediction is None)]
    figure.legend(handles, names, loc="lower center", ncols=2, frameon=False, labelcolor=LIGHT, fontsize=10)
    return to_png(figure, phantom=phantom, dpi=120)


def _panels(view: View, n_rows: int) -> tuple[Figure, NDArray[Any]]:
    """Axes of (n_rows, 3), sized so that one scale holds in all of them and nothing but thin gaps lies between."""
    widths = [view.extent_mm(plane)[1] for plane in PLANES]
    inch_per_mm = (FIGURE_IN - 4 * GAP_IN) / sum(widths)
    panel_in = inch_per_mm * max(view.extent_mm(plane)[0] for plane in PLANES)
    height_in = TOP_IN + n_rows * (panel_in + GAP_IN) + BOTTOM_IN
    figure = new_figure(FIGURE_IN, height_in, BACKGROUND)
    figure.set_layout_engine("none")
    panels = figure.subplots(
        n_rows,
        3,
        squeeze=False,
        gridspec_kw={
            "width_ratios": widths,
            "left": GAP_IN / FIGURE_IN,
            "right": 1 - GAP_IN / FIGURE_IN,
            "top": 1 - TOP_IN / height_in,
            "bottom": (BOTTOM_IN + GAP_IN) / height_in,
            "wspace": GAP_IN / (inch_per_mm * sum(widths) / 3),
            "hspace": GAP_IN / panel_in,
        },
    )
    return figure, panels


def _rows(images: Mapping[str, Volume]) -> dict[str, list[Layer]]:
    rows: dict[str, list[Layer]] = {}
    for name, volume in images.items():
        if name == "ct":
            rows["CT, -160 to 240 HU"] = [Layer(name, -160.0, 240.0, "gray")]
        elif name == "pt":
            rows["PET, SUV 0 to 10"] = [Layer(name, 0.0, 10.0, "gray_r")]
        else:
            low, high = (float(value) for value in np.nanpercentile(volume.array, (1, 99)))
            rows[f"{name}, {low:.4g} to {high:.4g}"] = [Layer(name, low, max(high, low + 1e-6), "gray")]
    if {"ct", "pt"} <= set(images):
        rows["CT and PET"] = [Layer("ct", -160.0, 240.0, "gray"), Layer("pt", 0.0, 10.0, "autumn", glow=True)]
    return rows


def _show(axes: Axes, view: View, plane: Plane, layers: list[tuple[Layer, NDArray[Any]]]) -> None:
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
            x, y, letter, transform=axes.transAxes, ha=horizontal, va=vertical, **_label([layer for layer, _ in layers])
        )


def _outline(axes: Axes, view: View, plane: Plane, labels: NDArray[Any], color: str) -> None:
    """Outline each structure by itself, so that two that touch stay apart."""
    flat = view.cut(labels, plane)
    height, width = view.extent_mm(plane)
    pixel_mm = (height / flat.shape[0], width / flat.shape[1])
    edge = [patheffects.withStroke(linewidth=2.6, foreground="#000000", alpha=0.45)]
    for value in np.unique(flat[flat > 0]):
        for line in outlines_mm(flat == value, pixel_mm):
            axes.plot(line[:, 0], line[:, 1], color=color, linewidth=1.5, path_effects=edge)


def _where(labels: NDArray[Any], view: View, missing: bool = False) -> str:
    """A remark for the legend where an outline cannot be seen."""
    if missing:
        return " (no file)"
    if not labels.any():
        return " (empty)"
    seen = any(view.cut(labels, plane).any() for plane in PLANES)
    return "" if seen else " (outside these slices)"


def _scale_bar(axes: Axes, view: View) -> None:
    height, width = view.extent_mm(PLANES[0])
    start, row = 0.04 * width, 0.95 * height
    axes.plot([start, start + SCALE_BAR_MM], [row, row], color=LIGHT, linewidth=3, solid_capstyle="butt")
    axes.text(start, row - 0.015 * height, f"{SCALE_BAR_MM} mm", va="bottom", **_label([]))


def _label(layers: list[Layer]) -> dict[str, Any]:
    """Lettering that can be read on an image: dark on inverted PET, light on all others."""
    color, edge = (BACKGROUND, "#ffffff") if [layer.colors for layer in layers] == ["gray_r"] else (LIGHT, BACKGROUND)
    stroke = [patheffects.withStroke(linewidth=2.2, foreground=edge)]
    return {"color": color, "fontsize": 9.5, "fontweight": "bold", "path_effects": stroke, "parse_math": False}
