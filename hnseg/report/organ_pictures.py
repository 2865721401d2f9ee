"""A patient with many structures as a picture: CT, truth and prediction beside each other, slice by slice.

As in Table 3 of Jain and Virtanen 2020, where the prediction stands beside the truth; here every structure has a number
as well as a colour, and the slices are chosen so that each is seen at least once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.report.canvas import new_figure, plain_name, to_png
from hnseg.report.organ_panels import TRUTH_DASHES, Row, Scene, draw_panel, name_panel
from hnseg.report.organ_slices import at_slice, axial_slices, organ_view
from hnseg.report.panels import BACKGROUND, LIGHT, image_layers, lettering, scale_bar
from hnseg.report.pictures import Patient
from hnseg.report.planes import PLANES, View, to_standard
from hnseg.report.structures import structure_colors
from hnseg.report.tables import number

COLUMNS = 4
WIDTH_IN, TOP_IN, LEGEND_LINE_IN, GAP_IN = 10.4, 0.42, 0.21, 0.05
AXIAL, CORONAL, SAGITTAL = PLANES


@dataclass(frozen=True)
class Structures:
    """What is known of a patient's structures, in the order of their label values.

    Attributes:
        names: all that the network outlines.
        annotated: for each whether somebody outlined it in this patient.
        dice: of each that was scored.
    """

    names: tuple[str, ...]
    annotated: tuple[bool, ...]
    dice: Mapping[str, float]


def organ_picture(patient: Patient, structures: Structures, *, title: str, phantom: bool) -> bytes:
    """PNG bytes: axial slices in columns, with CT, truth and prediction below each other; then a coronal and a sagittal
    slice. All panels have one scale, in mm.

    The truth lies over the prediction as a fine dashed line. A prediction of what nobody annotated is only outlined,
    with dots: nobody knows whether it is right.
    """
    images = {name: to_standard(volume) for name, volume in patient.images.items()}
    truth = to_standard(patient.truth).array
    empty = np.zeros_like(truth)
    answers = [None if mask is None else to_standard(mask).array for mask in (patient.prediction, patient.refined)]
    shown = truth if truth.any() else next((mask for mask in answers if mask is not None), empty)
    view = organ_view(shown, to_standard(patient.truth).spacing_mm)
    layer = image_layers(images)
    text, below = next(((name, x) for name, x in layer.items() if x.modality == "ct"), next(iter(layer.items())))
    unknown = frozenset(value for value, known in enumerate(structures.annotated, 1) if not known)
    colors = tuple(structure_colors(structures.names).values())
    scene = Scene(below, images[below.modality].array, colors, unknown)
    rows = [Row(text), Row("truth", truth)]
    for name, mask in zip(("prediction", "post-processed"), answers, strict=True):
        if mask is not None:
            rows.append(Row(name, mask, truth))
    slices = axial_slices(shown, COLUMNS)
    figure = _draw(scene, rows, view, slices, legend_lines=-(-(len(structures.names) + 1) // COLUMNS))
    top = 1 - 0.09 / figure.get_figheight()
    figure.text(0.008, top, title, va="top", **(lettering([]) | {"fontsize": 11.5}))
    _legend(figure, structures, colors, truth, answers[0])
    return to_png(figure, phantom=phantom, dpi=130)


def _draw(scene: Scene, rows: list[Row], view: View, slices: Sequence[int], legend_lines: int) -> Figure:
    """Axial slices in bands of four, then the other two planes."""
    height_mm, width_mm = view.extent_mm(AXIAL)
    deep_mm, side_mm = view.extent_mm(CORONAL)[0], view.extent_mm(SAGITTAL)[1]
    inch = (WIDTH_IN - 5 * GAP_IN) / max(COLUMNS * width_mm, 2 * (width_mm + side_mm))
    bands = [slices[first : first + COLUMNS] for first in range(0, len(slices), COLUMNS)]
    n_rows = len(bands) * len(rows)
    height_in = TOP_IN + n_rows * (height_mm * inch + GAP_IN) + deep_mm * inch + 2 * GAP_IN
    height_in += 0.1 + LEGEND_LINE_IN * legend_lines
    figure = new_figure(WIDTH_IN, height_in, BACKGROUND)
    figure.set_layout_engine("none")
    top_in = TOP_IN
    for band in bands:
        for row in rows:
            for column, z in enumerate(band):
                left_in = GAP_IN + column * (width_mm * inch + GAP_IN)
                axes = _axes(figure, left_in, top_in, width_mm * inch, height_mm * inch)
                draw_panel(axes, scene, at_slice(view, z), AXIAL, row)
                if column == 0:
                    name_panel(axes, row.name)
            top_in += height_mm * inch + GAP_IN
        scale_bar(figure.axes[-len(band)], view)
    left_in = GAP_IN
    for plane, width in ((CORONAL, width_mm), (SAGITTAL, side_mm)):
        for row in rows[1:3]:
            axes = _axes(figure, left_in, top_in, width * inch, deep_mm * inch)
            draw_panel(axes, scene, view, plane, row)
            name_panel(axes, f"{plane.name}\n{row.name}")
            left_in += width * inch + GAP_IN
    return figure


def _axes(figure: Figure, left_in: float, top_in: float, width_in: float, height_in: float) -> Axes:
    total = figure.get_figheight()
    box = (left_in / WIDTH_IN, 1 - (top_in + height_in) / total, width_in / WIDTH_IN, height_in / total)
    return figure.add_axes(box)


def _legend(
    figure: Figure,
    structures: Structures,
    colors: Sequence[str],
    truth: NDArray[Any],
    prediction: NDArray[Any] | None,
) -> None:
    """Number, name and Dice of each structure; why there is none, where there is none."""
    texts, handles = [], []
    for value, (name, known) in enumerate(zip(structures.names, structures.annotated, strict=True), start=1):
        says = f"Dice {number('dice', structures.dice[name])}" if name in structures.dice else ""
        if not known:
            says = "not annotated"
        elif prediction is not None and not (prediction == value).any():
            says += ", nothing predicted"
        elif not (truth == value).any():
            says += ", not in the truth"
        texts.append(plain_name(f"{value} {name}  {says.lstrip(', ')}"))
        handles.append(Line2D([], [], color=colors[value - 1], linewidth=3, linestyle="-" if known else ":"))
    if prediction is not None:
        texts.append("truth, over the prediction")
        handles.append(Line2D([], [], color="#ffffff", linewidth=1, dashes=TRUTH_DASHES))
    figure.legend(
        handles,
        texts,
        loc="lower center",
        ncols=COLUMNS,
        frameon=False,
        labelcolor=LIGHT,
        fontsize=8.5,
        handlelength=1.6,
        columnspacing=1.4,
        borderaxespad=0.2,
    )
