"""Figure 2 of Rainio et al. 2024, doi:10.1007/s13721-024-00483-0: box plots of the five methods, as PNG bytes."""

from __future__ import annotations

import pandas as pd

from hnseg.evaluate.five_methods import METHODS, methods_in
from hnseg.report.canvas import new_figure, to_png

SIDE_IN = 4.0
MEDIAN_POINTS = 1.5


def five_boxes(scores: pd.DataFrame, *, phantom: bool) -> bytes:
    """White boxes with a black median at (1) to (5), in the order of the methods, as the paper has them.

    Whiskers reach the last slice within 1.5 times the box's height of it, those beyond are circles. A method that is
    missing leaves its place empty.

    Args:
        scores: the slices that all methods were scored on; see :mod:`hnseg.evaluate.five_methods`.
        phantom: whether to mark the figure.
    """
    figure = new_figure(SIDE_IN, SIDE_IN)
    axes = figure.subplots()
    present = methods_in(scores)
    axes.boxplot(
        [scores[name].to_numpy(float) for name in present],
        positions=[METHODS.index(name) + 1 for name in present],
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": "white", "edgecolor": "black"},
        medianprops={"color": "black", "linewidth": MEDIAN_POINTS},
        flierprops={"markersize": 3.5, "markeredgewidth": 0.6},
        manage_ticks=False,
    )
    places = range(1, len(METHODS) + 1)
    axes.set_xticks(places, [f"({place})" for place in places])
    axes.set_xlim(0.4, len(METHODS) + 0.6)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("Dice of a slice")
    return to_png(figure, phantom=phantom)
