"""The page of five ways to use a click: the tables and figures of Rainio et al. 2024, and what they say of patients."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from hnseg.evaluate.five_empty import empty_slice_table
from hnseg.evaluate.five_methods import METHODS, methods_in, shared_slices, table1, table2, table3
from hnseg.evaluate.five_patients import ClickEffect, click_effects, intervals, patient_scores, patient_tests
from hnseg.io.atomic import atomic_path
from hnseg.report import five_views as views
from hnseg.report.arms_folder import Arm, ArmsFolder
from hnseg.report.arms_words import arms_status, evaluation, verdict
from hnseg.report.canvas import save_png
from hnseg.report.click_section import ClickSection, cv_clicks
from hnseg.report.cv_folder import CvFolder
from hnseg.report.five_examples import QUANTILES, examples
from hnseg.report.five_figures import five_boxes
from hnseg.report.five_outlines import outline_figure
from hnseg.report.five_published import rainio2024
from hnseg.report.html import REPORT_NAME, write_page
from hnseg.report.provenance import cv_commands, facts
from hnseg.report.tables import TableView, number
from hnseg.report.words import patients

Tables = dict[str, pd.DataFrame]
ORACLE = "cm1cnn"
"""The arm whose clicks are the truth's centres."""


def write_arms_report(folder: Path) -> Path:
    """Write ``report.html``, ``tables/*.csv`` and ``figures/*.png`` of several arms; returns the page's path.

    Everything is made from what the folds of the arms left (``slices.csv``, ``empty_slices.csv``, ``slices.npz``). What
    is not there is said on the page; the numbers are of what is.

    Raises:
        ValueError: the folder has no readable manifest, or a table or picture in it cannot be read.
    """
    arms = ArmsFolder.open(folder)
    made = _tables(arms)
    for name, table in made.items():
        with atomic_path(folder / "tables" / f"{name}.csv") as temporary:
            table.assign(phantom=arms.whole.phantom).to_csv(temporary, index=False)
    boxes, outlines, shown_fold = _figures(arms)
    for name, png in {"fig2_boxplot": boxes, "fig3_outlines": outlines}.items():
        if png:
            save_png(folder / "figures" / f"{name}.png", png)
    effects = click_effects(arms.scores) if methods_in(arms.scores) else {}
    content = {
        **_about(arms),
        **_views(made),
        "cards": _cards(made, effects),
        "verdict": verdict(arms, effects),
        "honest": _honest_clicks(arms),
        "sentences": evaluation(arms, made.get("empty_slices")),
        "boxes": boxes,
        "outlines": outlines,
        "example_fold": shown_fold,
        "quantiles": ", ".join(f"{100 * quantile:.0f}" for quantile in QUANTILES),
    }
    return write_page(folder, "arms.html.j2", content)


def _tables(arms: ArmsFolder) -> Tables:
    """By file name; of slices only where there are any."""
    made: Tables = {}
    if methods_in(arms.scores):
        made = {
            "table1": table1(arms.scores),
            "table2": table2(arms.scores),
            "table3": table3(arms.scores),
            "intervals": intervals(arms.scores),
            "patient_tests": patient_tests(arms.scores),
            "per_patient": patient_scores(arms.scores),
        }
    if len(arms.empty):
        made["empty_slices"] = empty_slice_table(arms.empty)
    return made


def _honest_clicks(arms: ArmsFolder) -> ClickSection | None:
    """What less perfect clicks are worth to the arm of centres, beside a threshold; None before it is scored."""
    arm = next((arm for arm in arms.arms if arm.name == ORACLE and arm.done), None)
    return None if arm is None else cv_clicks(CvFolder.open(arm.folder))


def _figures(arms: ArmsFolder) -> tuple[bytes | None, bytes | None, str]:
    """Box plots, outlines, and the fold that the outlines are of."""
    phantom = arms.whole.phantom
    shared = shared_slices(arms.scores) if methods_in(arms.scores) else arms.scores
    boxes = five_boxes(shared, phantom=phantom) if len(shared) else None
    found = examples(arms)
    if found is None or not found[1]:
        return boxes, None, ""
    fold, shown = found
    return boxes, outline_figure(shown, phantom=phantom), fold


def _about(arms: ArmsFolder) -> dict[str, Any]:
    run = arms.whole
    again = cv_commands(run, finished=arms.finished)
    return {
        "phantom": run.phantom,
        "name": run.manifest.get("name") or run.folder.name,
        "data": _first_known(arms, "data"),
        "model": run.target_of("model"),
        "status": arms_status(arms),
        "arms": [_arm_heading(arm) for arm in arms.arms],
        "folds": [{"name": fold, "cells": [_fold_cell(arm, fold) for arm in arms.arms]} for fold in arms.folds],
        "facts": facts(run),
        "versions": run.manifest.get("versions", {}),
        # whatever tunes or predicts wants one arm, not several
        "commands": {what: line for what, line in again.items() if line.startswith(("hnseg cv", "hnseg report"))},
        "overrides": run.overrides,
        "configuration": run.configuration,
    }


def _first_known(arms: ArmsFolder, name: str) -> dict[str, Any]:
    """Of the manifest of all arms, or else of the first arm that has it."""
    for manifest in (arms.whole.manifest, *(arm.manifest for arm in arms.arms)):
        if isinstance(manifest.get(name), dict):
            return dict(manifest[name])
    return {}


def _arm_heading(arm: Arm) -> dict[str, str]:
    linked = (arm.folder / REPORT_NAME).is_file()
    return {"name": arm.name, "link": f"arms/{quote(arm.name, safe='')}/{REPORT_NAME}" if linked else ""}


def _fold_cell(arm: Arm, name: str) -> dict[str, str]:
    fold = next((fold for fold in arm.folds if fold.name == name), None)
    if fold is None:
        return {"link": "", "state": "not started", "threshold": ""}
    linked = (fold.folder / REPORT_NAME).is_file()
    address = "/".join(("arms", quote(arm.name, safe=""), "folds", quote(name, safe=""), REPORT_NAME))
    threshold = "" if fold.threshold is None else f"threshold {fold.threshold:.2f}"
    return {"link": address if linked else "", "state": fold.lacking or "finished", "threshold": threshold}


def _views(made: Tables) -> dict[str, Any]:
    """Everything that the page shows as a table; None where there is nothing to show."""
    published = rainio2024()
    shown: dict[str, Any] = {
        "published": published,
        "published1": views.median_view(published.table1, "Test set"),
        "published2": views.triangle_view(published.table2),
        "published3": views.triangle_view(published.table3),
        "medians": None,
        "empty": views.empty_view(made["empty_slices"]) if "empty_slices" in made else None,
    }
    if "table1" not in made:
        return shown
    return shown | {
        "medians": views.median_view(made["table1"]),
        "wilcoxon": _triangles(made["table2"], ("", "_holm"))
        | {"patients": views.patient_triangle(made["patient_tests"])},
        "variances": _triangles(made["table3"], ("", "_holm", "_brown_forsythe_holm")),
        "intervals": views.interval_view(made["intervals"]),
        "patient_tests": views.patient_test_view(made["patient_tests"])
        if made["patient_tests"]["patients"].any()
        else None,
        "per_patient": views.patients_view(made["per_patient"]),
    }


def _triangles(table: pd.DataFrame, endings: tuple[str, ...]) -> dict[str, TableView]:
    return {ending.lstrip("_") or "own": views.triangle_view(table, ending) for ending in endings}


def _cards(made: Tables, effects: dict[str, ClickEffect]) -> list[dict[str, str]]:
    """The numbers at the top: the best-informed method, what it gains, in how many patients."""
    if "table1" not in made:
        return [{"name": "Median Dice of a slice", "value": "–", "note": "no fold is scored yet"}]
    measured = made["intervals"].dropna(subset="median").to_dict("records")
    if not measured:
        return [{"name": "Median Dice of a slice", "value": "–", "note": "the arms have no scored fold in common"}]
    best = measured[-1]
    count = f"{best['slices']} slices of {patients(best['patients'])}"
    cards = [{"name": f"{best['method']}: median Dice", "value": number("dice", best["median"]), "note": count}]
    effect = effects.get(best["method"])
    if effect is None:
        return cards
    ends = views.signed_interval(effect._asdict())
    against = f"{METHODS[0]} has {effect.reference_median:.3f}"
    gained = {"name": f"Gained over {METHODS[0]}", "value": views.signed(effect.difference), "note": against}
    gained["note"] += f"; 95 % interval {ends}" if ends else ""
    better = f"{effect.better} of {effect.patients}"
    note = f"lower in {effect.worse}; p = {views.p_text(effect.p)} over patients"
    return [*cards, gained, {"name": "Patients with a higher median", "value": better, "note": note}]
