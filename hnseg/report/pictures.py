"""One patient as a picture: CT, PET and both in three planes, truth and prediction outlined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from hnseg.report.canvas import to_png
from hnseg.report.panels import CT, LIGHT, Layer, image_layers, lettering, outline, panel_grid, remark, scale_bar, show
from hnseg.report.planes import PLANES, to_standard, view_of
from hnseg.types import Volume

TRUTH_COLOR = "#00c2f0"
PREDICTION_COLOR = "#ff4fd8"


@dataclass(frozen=True, eq=False)
class Patient:
    """What a picture needs, all on one grid.

    Attributes:
        case_id: the patient's name.
        images: modality (``ct`` in HU, ``pt`` in SUV, or another) to volume.
        truth: label map, all 0 where nobody outlined anything.
        prediction: label map, or None where there is no file.
        refined: the same after post-processing, or None where there was none.
    """

    case_id: str
    images: Mapping[str, Volume]
    truth: Volume
    prediction: Volume | None
    refined: Volume | None = None


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
    figure, panels = panel_grid(view, PLANES, len(rows))
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), title, va="top", **(lettering([]) | {"fontsize": 12}))
    for (name, layers), line in zip(rows.items(), panels, strict=True):
        for plane, axes in zip(PLANES, line, strict=True):
            show(axes, view, plane, [(layer, images[layer.modality].array) for layer in layers])
            outline(axes, view, plane, truth.array, TRUTH_COLOR)
            outline(axes, view, plane, prediction, PREDICTION_COLOR)
        line[0].text(0.03, 0.97, name, transform=line[0].transAxes, va="top", **lettering(layers))
    for plane, axes in zip(PLANES, panels[0], strict=True):
        axes.set_title(plane.name, color=LIGHT, fontsize=10)
    scale_bar(panels[-1, 0], view)
    handles = [Line2D([], [], color=TRUTH_COLOR, linewidth=2), Line2D([], [], color=PREDICTION_COLOR, linewidth=2)]
    names = [
        "truth" + remark(truth.array, view),
        "prediction" + remark(prediction, view, missing=patient.prediction is None),
    ]
    figure.legend(handles, names, loc="lower center", ncols=2, frameon=False, labelcolor=LIGHT, fontsize=10)
    return to_png(figure, phantom=phantom, dpi=120)


def _rows(images: Mapping[str, Volume]) -> dict[str, list[Layer]]:
    rows = {name: [layer] for name, layer in image_layers(images).items()}
    if {"ct", "pt"} <= set(images):
        rows["CT and PET"] = [CT, Layer("pt", 0.0, 10.0, "autumn", glow=True)]
    return rows
