"""One imported case as a picture: slices of its CT, PET laid over them, and every structure outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.geometry.resample import resample
from hnseg.io import read_volume
from hnseg.report.canvas import plain_name, to_png
from hnseg.report.organ_panels import name_panel
from hnseg.report.panels import CT, LIGHT, PET, Layer, lettering, outline, panel_grid, remark, scale_bar, show
from hnseg.report.planes import PLANES, Plane, View, to_standard, view_of
from hnseg.types import Volume

AXIAL, CORONAL, SAGITTAL = PLANES
GLOW = Layer("pt", 0.0, 10.0, "autumn", glow=True)
TALLEST_MM = 340.0
"""Of a scan from head to thigh as much is shown as is of a head and neck, or nothing could be told."""

BODY_HU, BODY_SUV, MARGIN_MM = -300.0, 0.15, 8.0
COLUMNS, LEGEND_LINE_IN, LEGEND_IN = 5, 0.2, 0.16

Panel = tuple[str, Plane, list[tuple[Layer, NDArray[Any]]]]


@dataclass(frozen=True, eq=False)
class Sight:
    """What a picture shows, cut to the same box.

    Attributes:
        view: the box, and the voxel in it where the planes meet.
        images: ``ct`` in HU, ``pt`` in SUV.
        masks: structure to (Z, Y, X) bool; None where the file does not fit the image.
    """

    view: View
    images: Mapping[str, NDArray[Any]]
    masks: Mapping[str, NDArray[np.bool_] | None]


def case_picture(folder: Path, entry: Mapping[str, Any], colors: Mapping[str, str], *, phantom: bool) -> bytes:
    """PNG bytes: an axial slice without and with PET, and a coronal one; of one image alone the three planes.

    The slices go through the largest structure, else through the middle. All panels have one scale, in mm; the whole
    body is shown, so that an image that lies upside down or reversed is seen.

    Args:
        folder: of the case: ``ct.nii.gz``, ``pt.nii.gz``, ``structures/NAME.nii.gz``.
        entry: the case in ``import.json``.
        colors: structure to colour.
        phantom: whether to mark every panel.

    Raises:
        OSError, ValueError: a file is missing or cannot be read.
    """
    sight = _sight(folder, entry)
    panels = _panels(sight.images)
    lines = -(-max(1, len(sight.masks)) // COLUMNS)
    planes = [plane for _, plane, _ in panels]
    figure, axes = panel_grid(sight.view, planes, 1, LEGEND_IN + LEGEND_LINE_IN * lines)
    for (name, plane, layers), panel in zip(panels, axes[0], strict=True):
        show(panel, sight.view, plane, layers)
        for structure, mask in sight.masks.items():
            if mask is not None:
                outline(panel, sight.view, plane, mask, colors[structure])
        name_panel(panel, name)
    scale_bar(axes[0, 0], sight.view)
    top = 1 - 0.1 / figure.get_figheight()
    figure.text(
        0.008, top, plain_name(entry["case"]), va="top", **(lettering([]) | {"fontsize": 12, "parse_math": True})
    )
    _legend(figure, sight, entry, colors, planes)
    return to_png(figure, phantom=phantom, dpi=130)


def _sight(folder: Path, entry: Mapping[str, Any]) -> Sight:
    base_name = "ct" if entry["ct"] else "pt"
    raw = read_volume(folder / f"{base_name}.nii.gz")
    base = to_standard(raw)
    largest_first = sorted(entry["structures"], key=lambda one: -(one["ml"] or 0.0))
    masks: dict[str, NDArray[np.bool_] | None] = {}
    window: View | None = None
    for one in largest_first:
        volume = read_volume(folder / "structures" / f"{one['name']}.nii.gz")
        mask = to_standard(volume).array > 0 if volume.grid.matches(raw.grid) else None
        if window is None and mask is not None:
            window = _window(base, base_name, mask)
        masks[one["name"]] = None if mask is None or window is None else _cut(mask, window)
    window = window or _window(base, base_name, np.zeros(base.grid.shape_zyx, bool))
    images = {base_name: _cut(base.array, window)}
    if entry["pt"] and base_name == "ct":
        shape = tuple(b - a for a, b in zip(window.start_zyx, window.stop_zyx, strict=True))
        grid = base.grid.crop(window.start_zyx, shape)  # type: ignore[arg-type]
        images["pt"] = resample(read_volume(folder / "pt.nii.gz"), grid).array
    view = View(
        (0, 0, 0),
        images[base_name].shape,  # type: ignore[arg-type]
        tuple(at - start for at, start in zip(window.focus_zyx, window.start_zyx, strict=True)),  # type: ignore[arg-type]
        base.spacing_mm,
    )
    return Sight(view, images, {one["name"]: masks[one["name"]] for one in entry["structures"]})


def _window(base: Volume, modality: str, mask: NDArray[np.bool_]) -> View:
    """The body across, and of its length what fits, about the slices that show most of a structure."""
    focus = view_of(mask, mask, base.spacing_mm).focus_zyx
    depth = base.grid.shape_zyx[0]
    tall = min(depth, round(TALLEST_MM / base.spacing_mm[0]))
    low = min(max(0, focus[0] - tall // 2), depth - tall)
    body = base.array[low : low + tall] > (BODY_HU if modality == "ct" else BODY_SUV)
    start, stop = [low], [low + tall]
    for axis in (1, 2):
        size, margin = base.grid.shape_zyx[axis], round(MARGIN_MM / base.spacing_mm[axis])
        inside = np.flatnonzero(body.any(axis=(0, 3 - axis)))
        edges = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, size)
        start.append(max(0, min(edges[0], focus[axis]) - margin))
        stop.append(min(size, max(edges[1], focus[axis] + 1) + margin))
    return View(tuple(start), tuple(stop), focus, base.spacing_mm)  # type: ignore[arg-type]


def _cut(array: NDArray[Any], window: View) -> NDArray[Any]:
    """A copy, so that the whole volume can go."""
    return array[tuple(slice(a, b) for a, b in zip(window.start_zyx, window.stop_zyx, strict=True))].copy()


def _panels(images: Mapping[str, NDArray[Any]]) -> list[Panel]:
    if len(images) == 1:
        (modality, array), layer = next(iter(images.items())), CT if "ct" in images else PET
        named = "CT, -160 to 240 HU" if modality == "ct" else "PET, SUV 0 to 10"
        return [(f"{plane.name}\n{named}", plane, [(layer, array)]) for plane in PLANES]
    ct, both = [(CT, images["ct"])], [(CT, images["ct"]), (GLOW, images["pt"])]
    return [
        ("axial\nCT, -160 to 240 HU", AXIAL, ct),
        ("axial\nPET on CT, SUV 0 to 10", AXIAL, both),
        ("coronal\nPET on CT", CORONAL, both),
    ]


def _legend(
    figure: Figure, sight: Sight, entry: Mapping[str, Any], colors: Mapping[str, str], planes: Sequence[Plane]
) -> None:
    """Colour, name and volume of every structure, and whether it is seen."""
    handles, texts = [], []
    for one in entry["structures"]:
        mask = sight.masks[one["name"]]
        says = " (other grid)" if mask is None else remark(mask, sight.view, planes)
        volume = f" {one['ml']:.3g} mL" if one["ml"] is not None else ""
        handles.append(Line2D([], [], color=colors[one["name"]], linewidth=2.5))
        texts.append(plain_name(f"{one['name']}{volume}{says}"))
    if not texts:
        handles, texts = [Line2D([], [], alpha=0.0)], ["no structures"]
    figure.legend(
        handles,
        texts,
        loc="lower center",
        ncols=COLUMNS if len(texts) > COLUMNS else len(texts),
        frameon=False,
        labelcolor=LIGHT,
        fontsize=8.5,
        handlelength=1.4,
        columnspacing=1.3,
        borderaxespad=0.2,
    )
