"""One imported case as a picture: slices of its CT, PET laid over them, and every structure outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hnseg.report.canvas import plain_name, to_png
from hnseg.report.import_sight import Sight, see
from hnseg.report.organ_slices import at_slice
from hnseg.report.panels import CT, LIGHT, PET, Layer, lettering, outline, panel_grid, scale_bar, show
from hnseg.report.planes import PLANES, Plane, View

AXIAL, CORONAL, SAGITTAL = PLANES
GLOW = Layer("pt", 0.0, 10.0, "autumn", glow=True)
WINDOWS = {"ct": "CT, -160 to 240 HU", "pt": "PET, SUV 0 to 10"}
THIN_MM = 45.0
"""Across fewer millimetres nobody recognises anything: such a scan is shown by axial slices alone."""

PANELS, COLUMNS, LINE_LETTERS = 3, 5, 150
TITLE_IN, LINE_IN, LEGEND_IN = 0.36, 0.19, 0.16


class Panel(NamedTuple):
    """One slice: what is written on it, which it is, and images over each other."""

    name: str
    plane: Plane
    view: View
    layers: list[tuple[Layer, NDArray[Any]]]


def case_picture(folder: Path, entry: Mapping[str, Any], colors: Mapping[str, str], *, phantom: bool) -> bytes:
    """PNG bytes: an axial slice without and with PET, and a coronal one; of one image alone the three planes.

    The axial slice goes through the largest structure, the coronal one through most of them; without any, through the
    middle and the largest of the body. All panels have one scale, in mm. The whole body is shown, so that an image that
    lies upside down or reversed is seen.

    Args:
        folder: of the case: ``ct.nii.gz``, ``pt.nii.gz``, ``structures/NAME.nii.gz``.
        entry: the case in ``import.json``.
        colors: structure to colour.
        phantom: whether to mark every panel.

    Raises:
        OSError, ValueError: a file is missing or cannot be read.
    """
    sight = see(folder, entry)
    panels = panels_of(sight)
    seen = [one for one in entry["structures"] if any(_shows(sight, one["name"], panel) for panel in panels)]
    lines = _unseen(sight, entry, seen)
    rows = -(-len(seen) // COLUMNS)
    planes = [panel.plane for panel in panels] + [AXIAL] * (PANELS - len(panels))
    figure, grid = panel_grid(sight.view, planes, 1, TITLE_IN, LEGEND_IN + LINE_IN * (rows + len(lines)))
    for axes in grid[0, len(panels) :]:
        axes.remove()
    for panel, axes in zip(panels, grid[0], strict=False):
        show(axes, panel.view, panel.plane, panel.layers)
        for one in seen:
            if (mask := sight.masks[one["name"]]) is not None:
                outline(axes, panel.view, panel.plane, mask, colors[one["name"]])
        style = lettering([layer for layer, _ in panel.layers]) | {"fontsize": 8.5}
        axes.text(0.03, 0.97, panel.name, transform=axes.transAxes, va="top", **style)
        axes.set_anchor("N")
    scale_bar(grid[0, 0], sight.view, [layer for layer, _ in panels[0].layers])
    top = 1 - 0.1 / figure.get_figheight()
    figure.text(0.008, top, entry["case"], va="top", **(lettering([]) | {"fontsize": 12}))
    _legend(figure, seen, colors, lines)
    return to_png(figure, phantom=phantom, dpi=130)


def panels_of(sight: Sight) -> list[Panel]:
    """The slices to show, at most three; of a thin scan axial ones alone."""
    images, view = sight.images, sight.view
    below = "ct" if "ct" in images else "pt"
    image = (CT if below == "ct" else PET, images[below])
    if view.extent_mm(CORONAL)[0] < THIN_MM:
        places = sorted({0, view.focus_zyx[0], view.stop_zyx[0] - 1}, reverse=True)
        slices = [Panel(f"slice {z + 1} of {view.stop_zyx[0]}", AXIAL, at_slice(view, z), [image]) for z in places]
        slices[0] = slices[0]._replace(name=f"{slices[0].name}\n{WINDOWS[below]}")
        if "pt" not in images or below == "pt":
            return slices
        middle = Panel("axial", AXIAL, view, [image])
        return [middle._replace(name=f"axial\n{WINDOWS['ct']}"), _with_pet(middle, images["pt"])]
    panels = [Panel(plane.name, plane, view, [image]) for plane in PLANES]
    panels[0] = panels[0]._replace(name=f"axial\n{WINDOWS[below]}")
    if below == "ct" and "pt" in images:
        return [panels[0], _with_pet(panels[0], images["pt"]), _with_pet(panels[1], images["pt"])]
    return panels


def _with_pet(panel: Panel, pet_suv: NDArray[Any]) -> Panel:
    name = f"{panel.plane.name}\nPET on CT, SUV 0 to 10"
    return panel._replace(name=name, layers=[*panel.layers, (GLOW, pet_suv)])


def _shows(sight: Sight, structure: str, panel: Panel) -> bool:
    mask = sight.masks[structure]
    return mask is not None and bool(panel.view.cut(mask, panel.plane).any())


def _unseen(sight: Sight, entry: Mapping[str, Any], seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines that name what the slices do not show, and why."""
    names = [one["name"] for one in entry["structures"]]
    others = [name for name in names if name not in {one["name"] for one in seen}]
    beside = [name for name in others if sight.masks[name] is None]
    hidden = [name for name in others if name not in beside]
    said = [("not in these slices", hidden), ("on another grid than the image", beside)]
    text = "; ".join(f"{what}: {', '.join(which)}" for what, which in said if which)
    return wrap(text or ("" if names else "no structures"), LINE_LETTERS)


def _legend(figure: Figure, seen: Sequence[Mapping[str, Any]], colors: Mapping[str, str], lines: Sequence[str]) -> None:
    """Colour, name and volume of every structure that is seen; below them the names of the others."""
    for place, line in enumerate(reversed(lines)):
        height = (0.07 + LINE_IN * place) / figure.get_figheight()
        figure.text(0.5, height, plain_name(line), ha="center", va="bottom", color="#9daab5", fontsize=8.5)
    if not seen:
        return
    figure.legend(
        [Line2D([], [], color=colors[one["name"]], linewidth=2.5) for one in seen],
        [plain_name(one["name"] + ("" if one["ml"] is None else f"  {one['ml']:.3g} mL")) for one in seen],
        loc="lower center",
        bbox_to_anchor=(0.5, LINE_IN * len(lines) / figure.get_figheight()),
        ncols=min(COLUMNS, len(seen)),
        frameon=False,
        labelcolor=LIGHT,
        fontsize=8.5,
        handlelength=1.4,
        columnspacing=1.3,
        borderaxespad=0.2,
    )
