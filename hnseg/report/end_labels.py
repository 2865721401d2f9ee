"""Names at the ends of lines, moved apart where the lines end too close together."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from hnseg.report.canvas import INK, plain_name


def spread_apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ``places`` up and down until neighbours are ``gap`` apart, in their order, as little as can be.

    All lie between ``low`` and ``high`` afterwards, where there is room for them.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    blocks: list[tuple[float, int]] = []  # middle and size: those that would touch move as one
    for i in order:
        middle, size = places[i], 1
        while blocks and middle - size * gap / 2 < blocks[-1][0] + blocks[-1][1] * gap / 2:
            below, others = blocks.pop()
            middle, size = (below * others + middle * size) / (others + size), others + size
        blocks.append((middle, size))
    sorted_places = [middle + (k - (size - 1) / 2) * gap for middle, size in blocks for k in range(size)]
    count = len(places)
    for k in range(count):  # whoever is too high goes down as far as those above it need, and the other way round
        sorted_places[k] = min(sorted_places[k], high - (count - 1 - k) * gap)
    for k in range(count):
        sorted_places[k] = max(sorted_places[k], low + k * gap)
    moved = dict(zip(order, sorted_places, strict=True))
    return [moved[i] for i in range(count)]


def name_ends(axes: Axes, height_in: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names to the right of the axes, each at the height where its line ends or, where it had to move, tied to it.

    Args:
        axes: with their limits set.
        height_in: of the axes, about; the layout decides only when the figure is drawn.
        ends: last value, name and colour of each line; what has the colour of ink is bold.
    """
    low, high = axes.get_ylim()
    gap = (high - low) * 0.16 / height_in
    places = spread_apart([value for value, _, _ in ends], gap, low, high)
    for (value, text, color), place in zip(ends, places, strict=True):
        axes.annotate(
            plain_name(text),
            xy=(1.0, value),
            xytext=(1.025, place),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
            fontweight="bold" if color == INK else "normal",
            color=INK,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 1.6,
                "shrinkA": 2,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
            annotation_clip=False,
        )
