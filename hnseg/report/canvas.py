"""Figures as PNG bytes, with the phantom's watermark; no global matplotlib state is touched."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hnseg.io.atomic import atomic_path

PHANTOM_TEXT = "PHANTOM - not a patient"

INK = "#27313b"
GRID = "#dfe4e8"
# Okabe and Ito's palette: told apart by readers with any colour vision
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b")


def new_figure(width_in: float, height_in: float, background: str = "white") -> Figure:
    """An empty figure that belongs to nobody but the caller (pyplot would keep it for ever)."""
    figure = Figure(figsize=(width_in, height_in), facecolor=background, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Quiet axes: a light grid, no box, left-aligned title."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, parse_math=False)
    axes.set_xlabel(x_label, fontsize=9, color=INK)
    axes.set_ylabel(y_label, fontsize=9, color=INK)
    axes.tick_params(labelsize=8.5, colors=INK, length=0)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color("#a9b2ba")


def plain_name(name: str) -> str:
    """A name that matplotlib takes for neither a formula nor a hidden line."""
    return name.lstrip("_").replace("$", r"\$") or "unnamed"


def to_png(figure: Figure, *, phantom: bool, dpi: int = 150) -> bytes:
    """Render; with ``phantom`` every panel is marked, so that none can be cut out unmarked."""
    metadata = {}
    if phantom:
        watermark(figure)
        metadata["Description"] = PHANTOM_TEXT
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=figure.get_facecolor(), metadata=metadata)
    return buffer.getvalue()


def save_png(path: Path, png: bytes) -> None:
    """Write a picture, whole or not at all; missing folders are made."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(png)


def watermark(figure: Figure) -> None:
    """Write ``PHANTOM_TEXT`` across each panel of a figure."""
    figure.draw_without_rendering()  # the layout decides how large the panels are
    for axes in figure.axes:
        box = axes.get_window_extent()
        points = 72.0 / figure.dpi
        # the text is about 13 letters' heights long; at 28 degrees it has to fit both ways
        size = max(5.0, 0.074 * points * min(box.width, 1.9 * box.height))
        mark = axes.text(
            0.5,
            0.5,
            PHANTOM_TEXT,
            transform=axes.transAxes,
            ha="center",
            va="center",
            rotation=28,
            fontsize=size,
            fontweight="bold",
            # scans are dark and fill their panel: what is legible on white would drown in them
            color="#ff5a45" if axes.images else "#e0301e",
            alpha=0.6 if axes.images else 0.38,
            zorder=1000,
        )
        mark.set_in_layout(False)
