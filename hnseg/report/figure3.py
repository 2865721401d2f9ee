"""A patient as in Fig. 3 of Bourigault et al. 2022 (doi:10.1007/978-3-030-98253-9_18): one axial slice, panel by panel.

(a) CT, (b) PET, (c) CT with prediction and truth, (d) CT with the post-processed prediction and truth. The colours are
the paper's; whoever cannot tell them apart has the lines: the truth is drawn through, the others are broken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.report.canvas import to_png
from hnseg.report.panels import LIGHT, Layer, image_layers, lettering, outline, panel_grid, remark, scale_bar, show
from hnseg.report.pictures import Patient
from hnseg.report.planes import PLANES, to_standard, view_of
from hnseg.types import Volume

TRUTH_RED, PREDICTION_BLUE, REFINED_GREEN = "#ff453a", "#4da6ff", "#3ddc5f"
LONG_DASHES, SHORT_DASHES = (4.0, 2.2), (1.6, 1.6)
AXIAL = PLANES[0]


class _Line(NamedTuple):
    name: str
    labels: NDArray[Any]
    color: str
    dashes: tuple[float, ...] = ()


class _Panel(NamedTuple):
    name: str
    layer: Layer
    lines: tuple[_Line, ...] = ()


def figure_3(patient: Patient, *, title: str, phantom: bool) -> bytes:
    """PNG bytes: the axial slice with most tumour (most prediction where there is none), a panel a step.

    Without a post-processed prediction there is no last panel. All panels have one scale, in mm.
    """
    images = {name: to_standard(volume) for name, volume in patient.images.items()}
    truth, prediction, refined = (_labels(patient, v) for v in (patient.truth, patient.prediction, patient.refined))
    view = view_of(truth, prediction if prediction.any() else refined, to_standard(patient.truth).spacing_mm)
    true = _Line("truth", truth, TRUTH_RED)
    lines = [_Line("prediction", prediction, PREDICTION_BLUE, LONG_DASHES)]
    if patient.refined is not None:
        lines.append(_Line("post-processed prediction", refined, REFINED_GREEN, SHORT_DASHES))
    panels = _panels(images, true, lines)
    figure, axes = panel_grid(view, [AXIAL] * len(panels), 1)
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), title, va="top", **(lettering([]) | {"fontsize": 12}))
    for letter, panel, place in zip("abcdefgh", panels, axes[0], strict=False):
        show(place, view, AXIAL, [(panel.layer, images[panel.layer.modality].array)])
        for line in panel.lines:
            outline(place, view, AXIAL, line.labels, line.color, line.dashes)
        place.set_title(f"({letter}) {panel.name}", color=LIGHT, fontsize=9, parse_math=False)
    scale_bar(axes[0, 0], view)
    missing = {"prediction": patient.prediction is None}
    names = [line.name + remark(line.labels, view, [AXIAL], missing.get(line.name, False)) for line in [true, *lines]]
    handles = [Line2D([], [], color=x.color, linewidth=2, dashes=x.dashes or (None, None)) for x in [true, *lines]]
    figure.legend(handles, names, loc="lower center", ncols=3, frameon=False, labelcolor=LIGHT, fontsize=10)
    return to_png(figure, phantom=phantom, dpi=150)


def _labels(patient: Patient, volume: Volume | None) -> NDArray[Any]:
    empty = np.zeros(patient.truth.grid.shape_zyx, np.uint8)
    return to_standard(Volume(empty, patient.truth.grid) if volume is None else volume).array


def _panels(images: dict[str, Volume], true: _Line, lines: list[_Line]) -> list[_Panel]:
    """Every image by itself, then the first (CT, where there is one) with each outline and the truth."""
    layers = image_layers(images)
    below = "ct" if "ct" in images else next(iter(images))
    layer, name = next(layer for layer in layers.values() if layer.modality == below), below.upper()
    panels = [_Panel(text, alone) for text, alone in layers.items()]
    # the truth first: where two lines run together, it shows between the dashes
    return panels + [_Panel(f"{name}, {line.name}", layer, (true, line)) for line in lines]
