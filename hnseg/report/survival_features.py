"""Which features matter: coefficients or importances of the final fit, and in how many folds each was kept."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from hnseg.report.canvas import INK, SERIES, new_figure, plain_axes, to_png
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_rows import HONEST, Key

MOST = 15
NAME_LENGTH = 46


def kept_shares(folder: SurvivalFolder, key: Key) -> pd.DataFrame:
    """In what share of the honest protocol's folds each feature was kept: ``feature``, ``share``, most often first.

    The folds are those that were scored; where nobody wrote down what was kept, there are no rows.
    """
    rows, scores = folder.of("selected", key), folder.of("scores", key)
    rows, scores = rows[rows["protocol"] == HONEST], scores[scores["protocol"] == HONEST]
    fits = max(len(table.drop_duplicates(["repeat", "fold"])) for table in (rows, scores))
    counts = rows.drop_duplicates(["repeat", "fold", "feature"]).groupby("feature", sort=False).size()
    shares = (counts / max(1, fits)).sort_values(ascending=False, kind="stable")
    return pd.DataFrame({"feature": shares.index.astype(str), "share": shares.to_numpy(float)})


def feature_figure(importances: pd.DataFrame, shares: pd.DataFrame, title: str, *, phantom: bool) -> bytes:
    """The heaviest features of the final fit with their intervals and, beside them, in how many folds they were kept.

    Args:
        importances: ``feature``, ``value``, ``low``, ``high``, ``kind``; may be empty, if ``shares`` is not.
        shares: ``feature``, ``share``; may be empty, if ``importances`` is not.
        title: of the figure.
        phantom: whether to mark it.
    """
    assert len(importances) or len(shares)
    ranked = importances.loc[importances["value"].abs().sort_values(ascending=False, kind="stable").index]
    features = list((ranked if len(ranked) else shares)["feature"])[:MOST]
    figure = new_figure(8.6, 1.25 + 0.26 * len(features))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK, parse_math=False)
    both = bool(len(ranked)) and bool(len(shares))
    panels = figure.subplots(1, 2 if both else 1, squeeze=False, sharey=True, width_ratios=(2, 1) if both else None)[0]
    if len(ranked):
        kinds = ", ".join(kind for kind in dict.fromkeys(importances["kind"]) if kind) or "value"
        _weights(panels[0], ranked.head(MOST), kinds)
    if len(shares):
        _kept(panels[-1], features, dict(zip(shares["feature"], shares["share"], strict=True)))
    panels[0].set_yticks(range(len(features)), [_short(name) for name in features], parse_math=False)
    panels[0].set_ylim(len(features) - 0.4, -0.6)
    return to_png(figure, phantom=phantom)


def _weights(axes: Axes, ranked: pd.DataFrame, kind: str) -> None:
    plain_axes(axes, "", kind, "")
    axes.xaxis.label.set_parse_math(False)
    axes.axvline(0.0, color=INK, linewidth=1, zorder=1)
    for place, line in enumerate(ranked.to_dict("records")):
        direction = SERIES[1] if line["value"] > 0 else SERIES[0]
        color = direction if "hazard" in line["kind"] else SERIES[6]  # a drop in a score has no direction of risk
        axes.plot([0.0, line["value"]], [place, place], color=color, linewidth=5, alpha=0.3, solid_capstyle="butt")
        axes.plot([line["low"], line["high"]], [place, place], color=color, linewidth=1.4, zorder=3)
        axes.scatter(line["value"], place, s=30, color=color, linewidths=0, zorder=4)


def _kept(axes: Axes, features: list[str], shares: dict[str, float]) -> None:
    plain_axes(axes, "", "kept in folds (%)", "")
    for place, name in enumerate(features):
        share = 100 * shares.get(name, 0.0)
        axes.barh(place, share, height=0.55, color="#9db8ca")
        axes.annotate(f"{share:.0f}", (share, place), xytext=(3, 0), textcoords="offset points", va="center",
                      fontsize=7.5, color=INK)  # fmt: skip
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 50, 100])
    axes.grid(visible=False, axis="y")


def _short(name: str) -> str:
    """Radiomics are named after the filter ``original`` throughout: without it more fits."""
    plain = name.replace("_original_", " ").replace("_", " ").strip() or "unnamed"
    return plain if len(plain) <= NAME_LENGTH else f"{plain[: NAME_LENGTH - 1]}…"
