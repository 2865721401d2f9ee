"""How the C-index differs from fold to fold, or from centre to centre where a fold is one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, to_png
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_rows import CHANCE, HONEST, Key, row_keys, set_name


def by_fold(folder: SurvivalFolder, keys: Sequence[Key]) -> pd.DataFrame:
    """A row a fold and repeat of the honest protocol.

    Columns: ``repeat``, ``fold``, ``n_test``, ``events``, the C-index of each set of ``keys`` (by its name for
    readers), and ``lowest`` and ``highest`` of all sets that were run.
    """
    scores = folder.tables["scores"]
    honest = scores[scores["protocol"] == HONEST]
    places = honest.groupby(["repeat", "fold"], sort=False, dropna=False)
    table = places.agg(
        n_test=("n_test", "first"), events=("events", "first"), lowest=("c_index", "min"), highest=("c_index", "max")
    ).reset_index()
    for key in keys:
        own = honest[(honest["model"] == key[0]) & (honest["features"] == key[1])]
        own = own.drop_duplicates(["repeat", "fold"])[["repeat", "fold", "c_index"]]
        table = table.merge(own.rename(columns={"c_index": set_name(key)}), how="left", on=["repeat", "fold"])
    return table


def folds_are_centres(folder: SurvivalFolder) -> bool:
    """Whether every fold is named after a centre of the patients."""
    folds, centres = set(folder.tables["scores"]["fold"]), set(folder.tables["outcome"]["centre"])
    return bool(folds) and folds <= centres


def fold_figure(folder: SurvivalFolder, keys: Sequence[Key], what: str, *, phantom: bool) -> bytes:
    """A place a fold: every set that was run as a grey dot, the sets of ``keys`` in colour; mean over repeats.

    Args:
        folder: with at least one scored fold of the honest protocol.
        keys: the sets in colour, at most two.
        what: ``fold`` or ``centre``.
        phantom: whether to mark the figure.
    """
    scores = folder.tables["scores"]
    honest = scores[scores["protocol"] == HONEST]
    means = honest.groupby(["model", "features", "fold"], sort=False)["c_index"].mean().reset_index()
    others = means[[key not in keys for key in row_keys(means)]]
    folds = list(dict.fromkeys(honest["fold"]))
    figure = new_figure(max(8.2, 1.0 + 0.75 * len(folds)), 3.5)
    axes = figure.subplots()
    plain_axes(axes, f"C-index by {what}", "", "C-index")
    jitter = np.random.Generator(np.random.Philox(0))  # the same picture for the same numbers
    for place, fold in enumerate(folds):
        values = others.loc[others["fold"] == fold, "c_index"].dropna().to_numpy(float)
        axes.scatter(place + jitter.uniform(-0.16, 0.16, len(values)), values, s=15, color="#a9b2ba", linewidths=0,
                     label="the others" if place == 0 else None, zorder=2)  # fmt: skip
    for key, color, mark, shift in zip(keys, SERIES, "os", (-0.06, 0.06), strict=False):
        own = means[(means["model"] == key[0]) & (means["features"] == key[1])].set_index("fold")["c_index"]
        axes.scatter(np.arange(len(folds)) + shift, [own.get(fold, math.nan) for fold in folds], s=52, color=color,
                     marker=mark, linewidths=0, label=set_name(key).replace("$", r"\$"), zorder=4)  # fmt: skip
    axes.axhline(CHANCE, color=INK, linewidth=1, zorder=1)
    events = honest.drop_duplicates(["repeat", "fold"]).groupby("fold", sort=False)["events"].mean()
    axes.set_xticks(
        range(len(folds)), [_fold_name(fold, events.get(fold, math.nan)) for fold in folds], parse_math=False
    )
    axes.set_xlim(-0.6, len(folds) - 0.4)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8.5, labelcolor=INK)
    return to_png(figure, phantom=phantom)


def _fold_name(fold: str, events: float) -> str:
    return fold or "unknown" if math.isnan(events) else f"{fold or 'unknown'}\n{events:.0f} events"
