"""The page that a run leaves behind: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.evaluate import false_positive_table, fold_table
from hnseg.evaluate.summary import ALL_PATIENTS, summarise
from hnseg.report.arms_page import write_arms_report
from hnseg.report.canvas import save_png
from hnseg.report.click_section import run_clicks, save_clicks
from hnseg.report.curve_figures import learning_curves, structure_curves
from hnseg.report.curves import logged_structures, series, structure_scores
from hnseg.report.cv_page import write_cv_report
from hnseg.report.cv_words import false_positives_said
from hnseg.report.figures import dice_by, volumes
from hnseg.report.gallery import Exhibit, exhibits, save_slices
from hnseg.report.html import write_page
from hnseg.report.manifest import read_manifest
from hnseg.report.organ_page import organ_headline, organ_section
from hnseg.report.paper_views import challenge_view, false_positive_view, fold_view
from hnseg.report.provenance import facts, run_commands
from hnseg.report.run_folder import RunFolder
from hnseg.report.settings import optimizer_switch
from hnseg.report.slice_words import slice_sentences
from hnseg.report.survival_page import write_survival_report
from hnseg.report.tables import case_table, centre_table, interval, mean_and_spread, number
from hnseg.report.training_data import data_figures
from hnseg.report.words import Sentence, evaluation, status


def write_report(folder: Path) -> Path:
    """Write ``report.html`` of a run, a cross-validation or an experiment on outcomes, whole or not at all.

    Returns its path.

    It is made from the files that the run left. A run that was stopped, or never looked at test patients, or lost its
    predictions, gets a page that says so. The pictures of its patients also go into ``figures/``.

    Raises:
        ValueError: the folder is not that of a run, or a table in it cannot be read.
    """
    others = {"cv": write_cv_report, "arms": write_arms_report, "survival": write_survival_report}
    if write := others.get(read_manifest(folder).get("task", "")):
        return write(folder)
    run = RunFolder.open(folder)
    shown, drawn = exhibits(run), data_figures(run) | _structure_curves(run)
    clicks = run_clicks(folder, run.phantom)
    save_slices(folder / "figures", shown)
    save_clicks(folder, clicks)
    for name, png in drawn.items():
        save_png(folder / "figures" / f"{name}.png", png)
    return write_page(folder, "template.html.j2", _content(run, shown) | {"drawn": drawn, "clicks": clicks})


def _content(run: RunFolder, shown: list[Exhibit]) -> dict[str, Any]:
    manifest = run.manifest
    many = run.many
    summary = summarise(run.cases) if len(run.cases) and not many else pd.DataFrame()
    return {
        "phantom": run.phantom,
        "name": manifest.get("name") or run.folder.name,
        "data": manifest.get("data", {}),
        "model": run.target_of("model"),
        "status": status(run),
        "many": many,
        "organs": organ_section(run) if many and len(run.cases) else None,
        "figures": _headline(run, summary),
        "sentences": [*evaluation(run), *slice_sentences(run)],
        "curves": _curves(run),
        "tested": bool(len(run.cases)),
        "centres": centre_table(summary) if len(summary) else None,
        "plots": _plots(run),
        "postprocessing": _postprocessing(run),
        "exhibits": shown,
        "official": None if many else challenge_view(run.official),
        "cases": case_table(run.cases) if len(run.cases) else None,
        "failed": manifest.get("failed_cases", []),
        "facts": facts(run),
        "versions": manifest.get("versions", {}),
        "commands": run_commands(run.folder),
        "overrides": run.overrides,
        "configuration": run.configuration,
    }


def _headline(run: RunFolder, summary: pd.DataFrame) -> list[dict[str, str]]:
    """The numbers at the top: Dice of the test patients, or else of the validation patients, named as such."""
    if run.many and len(run.cases):
        return organ_headline(run, " of the test")
    if len(summary):
        overall = summary[summary["centre"] == ALL_PATIENTS]
        return [card for _, line in overall.iterrows() for card in _test_cards(line, len(overall) > 1)]
    monitor = run.manifest.get("monitor", "val/dice")
    reached = series(run.epochs, monitor)
    best = run.manifest.get("best_epoch")
    value = reached.get(best, float("nan")) if best is not None else reached.max()
    return [
        {"name": "Validation, not test", "value": number("dice", float(value)), "note": f"{monitor} of the best epoch"}
    ]


def _test_cards(line: pd.Series[Any], several: bool) -> list[dict[str, str]]:
    structure = f"{line['structure']}: " if several else ""
    spread = interval("dice", line["dice_low"], line["dice_high"]) if line["n"] > 1 else ""
    count = f"{line['n']} test patient" + ("" if line["n"] == 1 else "s")
    return [
        {
            "name": f"{structure}Dice, mean ± SD",
            "value": mean_and_spread("dice", line["dice_mean"], line["dice_sd"]),
            "note": f"{count}; 95 % interval {spread}" if spread else count,
        },
        {
            "name": f"{structure}HD95, median",
            "value": f"{number('hd95_mm', line['hd95_median_mm'])} mm",
            "note": "larger of the two directed 95th percentiles",
        },
    ]


def _curves(run: RunFolder) -> bytes | None:
    if run.epochs.empty:
        return None
    monitor, best = run.manifest.get("monitor", "val/dice"), run.manifest.get("best_epoch")
    switch = optimizer_switch(run.config)
    return learning_curves(run.epochs, monitor=monitor, best_epoch=best, phantom=run.phantom, switch=switch)


def _structure_curves(run: RunFolder) -> dict[str, bytes]:
    """By file name, where the Dice of single structures was logged."""
    names = run.label_names or logged_structures(run.epochs)
    if not structure_scores(run.epochs, names):
        return {}
    best, switch = run.manifest.get("best_epoch"), optimizer_switch(run.config)
    drawn = structure_curves(run.epochs, names, best_epoch=best, phantom=run.phantom, switch=switch)
    return {"structure_curves": drawn}


def _plots(run: RunFolder) -> dict[str, bytes]:
    if run.cases.empty:
        return {}
    plots = {"Dice of each test patient by centre": dice_by(run.cases, phantom=run.phantom)}
    if {"volume_mm3", "truth_volume_mm3"} <= set(run.cases.columns):
        plots["Predicted against true volume"] = volumes(run.cases, phantom=run.phantom)
    return plots


def _postprocessing(run: RunFolder) -> dict[str, Any] | None:
    """The test patients with and without it; where the two tables do not belong together, a sentence about that."""
    if run.cases.empty or run.postprocessed.empty:
        return None
    chain = ", ".join(run.chain()) or "unknown"
    before, after = (rows.assign(fold="test patients") for rows in (run.cases, run.postprocessed))
    sentences = [Sentence(f"Post-processing: {chain}. It is part of the checkpoint, and hnseg predict applies it.")]
    try:
        scores, removed = fold_table(before, after), false_positive_table(before, after)
    except ValueError as error:
        return {"sentences": [*sentences, Sentence(f"{error}.", warning=True)], "tables": []}
    single = [table[table["row"] == "test patients"] for table in (scores, removed)]  # there is one fold: this run
    views = [fold_view(single[0], chain, "Scored"), false_positive_view(single[1], "Scored")]
    said = false_positives_said(removed)
    if run.many:  # the table says it, a line an organ
        said = [sentence for sentence in said if sentence.warning]
    return {"sentences": [*sentences, *said], "tables": views}
