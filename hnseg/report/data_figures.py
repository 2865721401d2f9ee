"""What the training data are made of: the HU of each structure, and how rare each is. Figures as PNG bytes.

The counts are those that training leaves in ``facts.json``. Jain and Virtanen 2020 show the same
of PDDCA (Figs. 2 and 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, plain_name, to_png
from hnseg.report.settings import STANDARD_WINDOWS, Window
from hnseg.report.structures import structure_colors

COLUMNS = 3
GREY = "#c3cad0"
WINDOW_COLORS = (SERIES[0], SERIES[1], SERIES[6])


def hu_distribution(facts: Mapping[str, Any], *, windows: Sequence[Window], phantom: bool) -> bytes | None:
    """How often each HU occurs in each structure, before all voxels in grey; a panel a structure, on one scale.

    None where nothing was counted.

    Args:
        facts: ``facts.json``.
        windows: what the network sees of the CT; the usual three where nobody knows.
        phantom: whether to mark the figure.
    """
    counted = facts.get("hu") or {}
    names = [entry["name"] for entry in facts["structures"] if entry["name"] in counted]
    if not names or "all" not in counted:
        return None
    edges = np.asarray(counted["edges"], float)
    rows = -(-len(names) // COLUMNS)
    figure, panels = _panels(rows, min(COLUMNS, len(names)))
    everything, colors = _shares(counted["all"]), structure_colors([entry["name"] for entry in facts["structures"]])
    for place, axes in enumerate(panels.flat):
        if place >= len(names):
            axes.set_visible(False)
            panels[-2, place % COLUMNS].tick_params(labelbottom=True)
            continue
        name = names[place]
        below, left = place + COLUMNS >= len(names), place % COLUMNS == 0
        plain_axes(axes, name, "HU" if below else "", "share of voxels" if left else "")
        axes.text(0.98, 0.78, _spread_of(counted[name], edges), transform=axes.transAxes, ha="right", va="top",
                  fontsize=8, color=INK)  # fmt: skip
        axes.stairs(everything, edges, fill=True, color=GREY, linewidth=0)
        axes.stairs(_shares(counted[name]), edges, color=colors[name], linewidth=1.4)
        axes.stairs(_shares(counted[name]), edges, fill=True, color=colors[name], alpha=0.4, linewidth=0)
        _mark_windows(axes, windows or STANDARD_WINDOWS)
    _share_limits(panels.flat[0], counted, names, edges)
    _legend(figure, windows)
    return to_png(figure, phantom=phantom)


def class_imbalance(facts: Mapping[str, Any], *, phantom: bool) -> bytes:
    """Three panels: the share of voxels of each structure (log), the patients that have it, the slices that show it.

    Args:
        facts: ``facts.json``.
        phantom: whether to mark the figure.
    """
    entries = list(facts["structures"])
    colors = structure_colors([entry["name"] for entry in entries])
    figure = new_figure(10.4, 1.4 + 0.3 * len(entries))
    share, patients, slices = figure.subplots(1, 3, sharey=True)
    total = max(1, int(facts["voxels"]))
    voxels = [total - sum(entry["voxels"] for entry in entries), *(entry["voxels"] for entry in entries)]
    bars = [GREY, *(colors[entry["name"]] for entry in entries)]
    plain_axes(share, "Share of voxels", "%, logarithmic", "")
    _bars(share, [100 * count / total for count in voxels], bars, [_percent(count / total) for count in voxels])
    lowest = min((count for count in voxels if count), default=total)
    share.set_xscale("log")
    share.set_xlim(100 * lowest / total / 3, 3000)
    ticks = [10.0**power for power in range(-7, 3) if 10.0**power > share.get_xlim()[0]]
    share.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    share.minorticks_off()
    for axes, title, key, of in (
        (patients, f"Patients annotated, of {facts['patients']}", "patients_annotated", "patients"),
        (slices, f"Slices that show it, of {facts['slices']:,}", "slices", "slices"),
    ):
        counts = [int(entry[key]) for entry in entries]
        plain_axes(axes, title, of, "")
        _bars(axes, [0.0, *([float(facts[of])] * len(entries))], ["#eef1f3"] * len(bars), [])
        _bars(axes, [0.0, *map(float, counts)], bars, ["", *(f"{count:,}" for count in counts)])
        axes.set_xlim(0, 1.25 * max(1, facts[of]))
        whole = MaxNLocator(5, integer=True).tick_values(0, facts[of])
        axes.set_xticks([tick for tick in whole if tick <= facts[of]])
    share.set_yticks(range(len(bars)), ["background", *(entry["name"] for entry in entries)], parse_math=False)
    share.set_ylim(len(bars) - 0.4, -0.6)
    for axes in (share, patients, slices):
        axes.grid(visible=False, axis="y")
    return to_png(figure, phantom=phantom)


def _bars(axes: Axes, values: Sequence[float], colors: Sequence[str], texts: Sequence[str]) -> None:
    axes.barh(range(len(values)), values, height=0.66, color=list(colors), zorder=2)
    for row, (value, text) in enumerate(zip(values, texts, strict=False)):
        axes.annotate(
            text, (value, row), (4, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK, zorder=3
        )


def _percent(share: float) -> str:
    """Two digits that count: ``98.7 %``, ``0.013 %``."""
    return f"{100 * share:.1f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _shares(counts: Sequence[float]) -> NDArray[np.float64]:
    """Counts as shares of their sum; all 0 where there are none."""
    array = np.asarray(counts, float)
    return array / max(1.0, float(array.sum()))


def _spread_of(counts: Sequence[float], edges: NDArray[np.float64]) -> str:
    """Where most of the voxels lie, in HU."""
    array = np.asarray(counts, float)
    if not array.any():
        return "no voxel"
    below = np.concatenate([[0.0], np.cumsum(array)]) / array.sum()
    # within a bin nobody knows: tens at best
    low, middle, high = (10 * round(float(np.interp(part, below, edges)) / 10) for part in (0.01, 0.5, 0.99))
    return f"median about {middle}\n98 % in {low} to {high}"


def _mark_windows(axes: Axes, windows: Sequence[Window]) -> None:
    """A bar at the top of the panel from the window's lowest to its highest HU."""
    for place, window in enumerate(windows):
        height = 0.95 - 0.06 * place
        color = WINDOW_COLORS[place % len(WINDOW_COLORS)]
        ends = [window.low_hu, window.high_hu]
        axes.plot(ends, [height] * 2, transform=axes.get_xaxis_transform(), color=color, linewidth=3,
                  solid_capstyle="butt")  # fmt: skip


def _panels(rows: int, columns: int) -> tuple[Figure, NDArray[Any]]:
    """Axes of (rows, columns) at fixed places: a layout that measures nine logarithmic axes takes seconds."""
    height_in = 1.0 + 1.75 * rows
    figure = new_figure(10.4, height_in)
    figure.set_layout_engine("none")
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        sharex=True,
        sharey=True,
        gridspec_kw={
            "left": 0.068,
            "right": 0.99,
            "bottom": 0.78 / height_in,
            "top": 1 - 0.3 / height_in,
            "hspace": 0.3,
            "wspace": 0.05,
        },
    )
    return figure, panels


def _share_limits(axes: Axes, counted: Mapping[str, Any], names: Sequence[str], edges: NDArray[np.float64]) -> None:
    """All panels: HU that occur at all, shares from the least that is seen upwards; room for the windows above."""
    shares = np.stack([_shares(counted[name]) for name in ["all", *names]])
    occurs = np.flatnonzero(shares.max(axis=0) > 1e-6)
    high = float(shares.max(initial=1e-3))
    axes.set_yscale("log")
    low = max(1e-6, 0.5 * float(shares[shares > 0].min(initial=high / 10)))
    axes.set_ylim(low, 200 * high)
    decades = [10.0**power for power in range(-6, 1, 2) if 10.0**power >= low]
    axes.set_yticks(decades, [f"{decade:g}" for decade in decades])
    axes.yaxis.set_minor_locator(NullLocator())
    if len(occurs):
        first, last = float(edges[occurs[0]]), float(edges[occurs[-1] + 1])
        axes.set_xlim(first, last)
        room = 0.06 * (last - first)  # a number at the edge would run into that of the next panel
        ticks = MaxNLocator(5).tick_values(first, last)
        axes.set_xticks([tick for tick in ticks if first + room < tick < last - room])


def _legend(figure: Figure, windows: Sequence[Window]) -> None:
    shown = windows or STANDARD_WINDOWS
    what = "the network sees" if windows else "usual window"
    handles = [Patch(color=GREY), *(Patch(color=WINDOW_COLORS[i % len(WINDOW_COLORS)]) for i in range(len(shown)))]
    texts = ["all voxels", *(plain_name(f"{what}: {w.name} {w.low_hu:.0f} to {w.high_hu:.0f} HU") for w in shown)]
    figure.legend(handles, texts, loc="lower center", ncols=4, frameon=False, fontsize=8.5, labelcolor=INK)
