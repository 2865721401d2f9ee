"""The page of an experiment on outcomes: which features predict them, and how honestly that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from hnseg.io.atomic import atomic_path
from hnseg.report.canvas import save_png
from hnseg.report.html import write_page
from hnseg.report.provenance import facts, survival_commands
from hnseg.report.run_folder import as_file_name
from hnseg.report.survival_cards import endpoint_name, survival_cards, survival_facts
from hnseg.report.survival_curves import calibration_figure, kaplan_meier_figure
from hnseg.report.survival_features import feature_figure, kept_shares
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_folds import by_fold, fold_figure, folds_are_centres
from hnseg.report.survival_forest import forest
from hnseg.report.survival_protocols import protocols_said, published_said
from hnseg.report.survival_rows import Key, best_row, compared, days, features_name, reference_of, set_name, shown_keys
from hnseg.report.survival_views import comparison_view, fold_view, importance_view, log_rank_view
from hnseg.report.survival_words import survival_status, verdict
from hnseg.report.tables import TableView
from hnseg.report.words import listing


@dataclass(frozen=True)
class Shown:
    """One model and feature set on the page; a picture is None where its rows are missing."""

    key: Key
    name: str
    curves: bytes | None
    calibration: bytes | None
    features: bytes | None
    importances: TableView | None

    def pictures(self) -> dict[str, bytes]:
        """By file name."""
        made = {"kaplan_meier": self.curves, "calibration": self.calibration, "features": self.features}
        own = as_file_name("-".join(self.key))
        return {f"{name}_{own}": png for name, png in made.items() if png}


def write_survival_report(folder: Path) -> Path:
    """Write ``report.html``, ``tables/*.csv`` and ``figures/*.png`` of an experiment; returns the page's path.

    Everything is made from files. What is not there (a protocol, a model, curves, the phantom's truth) is said on the
    page.

    Raises:
        ValueError: the folder has no readable manifest, or a table in it cannot be read.
    """
    found = SurvivalFolder.open(folder)
    table = compared(found)
    keys = shown_keys(table)
    folds = by_fold(found, keys)
    for name, rows in {"comparison": table, "by_fold": folds}.items():
        if len(rows):
            with atomic_path(folder / "tables" / f"{name}.csv") as temporary:
                rows.assign(phantom=found.phantom).to_csv(temporary, index=False)
    shown = [_shown(found, key) for key in keys]
    overview = _overview(found, table, folds, keys)
    pictures = overview | {name: png for one in shown for name, png in one.pictures().items()}
    for name, png in pictures.items():
        save_png(folder / "figures" / f"{name}.png", png)
    content = {
        **_about(found, table),
        **_scores(found, table, folds, keys),
        "overview": overview,
        "shown": shown,
        "weighed": _weighed(table, shown),
    }
    return write_page(folder, "survival.html.j2", content)


def _about(found: SurvivalFolder, table: pd.DataFrame) -> dict[str, Any]:
    run, manifest = found.run, found.manifest
    names = sorted(path.name for path in (run.folder / "risks").glob("*.csv"))
    return {
        "phantom": found.phantom,
        "name": manifest.get("name") or run.folder.name,
        "data": _mapping(manifest.get("data")),
        "model": endpoint_name(found),
        "status": survival_status(found, table),
        "about": survival_facts(found),
        "set_aside": _set_aside(manifest.get("set_aside")),
        "risks": {name: f"risks/{quote(name)}" for name in names},
        "facts": facts(run),
        "versions": _mapping(manifest.get("versions")),
        "commands": survival_commands(run, _offered(found, table), finished=bool(manifest.get("finished"))),
        "saved": found.models,
        "overrides": run.overrides,
        "configuration": run.configuration,
    }


def _scores(found: SurvivalFolder, table: pd.DataFrame, folds: pd.DataFrame, keys: list[Key]) -> dict[str, Any]:
    return {
        "cards": survival_cards(found, table),
        "verdict": verdict(found, table),
        "sentences": [*protocols_said(found, table), *published_said(found, table)],
        "comparison": comparison_view(table, found.horizon_days) if len(table) else None,
        "folds": fold_view(folds, keys) if len(folds) else None,
        "place": "centre" if folds_are_centres(found) else "fold",
        "several": len(set(found.tables["scores"]["repeat"])) > 1,
        "log_rank": log_rank_view(found, keys),
        "horizon": days(found.horizon_days),
        "reference": features_name(table["reference"].iloc[0]) if len(table) else "",
    }


def _overview(found: SurvivalFolder, table: pd.DataFrame, folds: pd.DataFrame, keys: list[Key]) -> dict[str, bytes]:
    """The pictures that are of all sets, by file name."""
    made = {}
    if table[["c_index", "paper"]].notna().any(axis=None):
        made["forest"] = forest(table, found.best_c_index, phantom=found.phantom)
    if len(folds) and folds["highest"].notna().any():
        what = "centre" if folds_are_centres(found) else "fold"
        made["folds"] = fold_figure(found, keys[:2], what, phantom=found.phantom)
    return made


def _shown(found: SurvivalFolder, key: Key) -> Shown:
    name, phantom = set_name(key), found.phantom
    curves, groups = found.of("kaplan_meier", key), found.of("calibration", key)
    weights = found.of("importances", key).dropna(subset="value")
    shares = kept_shares(found, key)
    judged = len(groups.dropna(subset=["predicted", "observed"]))
    return Shown(
        key=key,
        name=name,
        curves=kaplan_meier_figure(curves, name, phantom=phantom) if len(curves) else None,
        calibration=calibration_figure(groups, name, found.horizon_days, phantom=phantom) if judged else None,
        features=feature_figure(weights, shares, name, phantom=phantom) if len(weights) or len(shares) else None,
        importances=importance_view(weights, shares),
    )


def _weighed(table: pd.DataFrame, shown: list[Shown]) -> list[Shown]:
    """Whose features are shown: the best set of every model, but not the reference, which is a part of it."""
    best = best_row(table)
    reference = None if best is None else reference_of(table, best)
    left_out = () if reference is None else (reference["model"], reference["features"])
    return [one for one in shown if one.key != left_out]


def _offered(found: SurvivalFolder, table: pd.DataFrame) -> list[str]:
    """The saved models whose command is printed: the best one and what needs nothing but a table."""
    best = best_row(table)
    wanted = [] if best is None else [f"{best['model']}-{best['features']}", f"{best['model']}-clinical"]
    return [name for name in dict.fromkeys(wanted) if name in found.models] or list(found.models[:1])


def _set_aside(listed: Any) -> dict[str, str]:
    """Reason to everything that was set aside for it: hundreds of patients may have the same one."""
    found: dict[str, list[str]] = {}
    for one in map(_mapping, listed if isinstance(listed, list) else []):
        why = str(one.get("why") or "no reason was written down")
        found.setdefault(why, []).append(str(one.get("what") or "something"))
    return {why: listing(what) for why, what in found.items()}


def _mapping(node: Any) -> dict[str, Any]:
    return dict(node) if isinstance(node, dict) else {}
