"""The page of a cross-validation: both papers' tables, what post-processing removed, and where each fold stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from hnseg.evaluate import centre_table, false_positive_table, fold_table, test_table
from hnseg.evaluate.paper_tables import POSTPROCESSED
from hnseg.io.atomic import atomic_path
from hnseg.report import tables
from hnseg.report.canvas import save_png
from hnseg.report.click_section import cv_clicks, save_clicks
from hnseg.report.curve_figures import fold_curves
from hnseg.report.cv_cards import headline
from hnseg.report.cv_folder import CvFolder, FoldFolder
from hnseg.report.cv_words import cv_evaluation, cv_status, false_positives_said, looks_at_test
from hnseg.report.figures import dice_by, volumes
from hnseg.report.gallery import exhibits, save_slices
from hnseg.report.html import REPORT_NAME, write_page
from hnseg.report.organ_page import organ_section
from hnseg.report.organ_views import organ_view, scores_of, source_view
from hnseg.report.paper_views import challenge_view, false_positive_view, fold_view
from hnseg.report.provenance import cv_commands, facts
from hnseg.report.slice_words import oracle_sentences
from hnseg.report.words import Sentence

Tables = dict[str, pd.DataFrame]


def write_cv_report(cv_dir: Path) -> Path:
    """Write ``report.html``, ``tables/*.csv`` and ``figures/*.png`` of a cross-validation; returns the page's path.

    Everything is made from files. What is not there (folds, post-processing, test patients, pictures) is said on the
    page; the numbers are of the folds that are finished.

    Raises:
        ValueError: the folder is not that of a cross-validation, or a table in it cannot be read.
    """
    cv = CvFolder.open(cv_dir)
    made, problems = _tables(cv)
    for name, table in made.items():
        with atomic_path(cv_dir / "tables" / f"{name}.csv") as temporary:
            table.assign(phantom=cv.whole.phantom).to_csv(temporary, index=False)
    plots, curves, shown = _plots(cv), _curves(cv), exhibits(cv.whole)
    for name, png in {**{f"dice_by_{by}": png for by, png in plots.items()}, "learning_curves": curves}.items():
        if png:
            save_png(cv_dir / "figures" / f"{name}.png", png)
    clicks = cv_clicks(cv)
    save_slices(cv_dir / "figures", shown)
    save_clicks(cv_dir, clicks)
    content = {
        **_about(cv),
        **_scores(cv, made, problems),
        "plots": _captioned(cv, plots),
        "curves": curves,
        "exhibits": shown,
        "clicks": clicks,
    }
    return write_page(cv_dir, "cv.html.j2", content)


def _tables(cv: CvFolder) -> tuple[Tables, list[Sentence]]:
    """The papers' tables by file name, and why one that should be there is not."""
    rows, processed = cv.whole.cases, cv.whole.postprocessed
    made: Tables = {}
    problems: list[Sentence] = []
    if len(rows) and cv.whole.many:
        made["organs"] = scores_of(rows, cv.whole.label_names)
    if len(rows):
        after, test, test_after = (
            table if len(table) else None for table in (processed, cv.test, cv.test_postprocessed)
        )
        made["folds"] = fold_table(rows, after, test=test, test_postprocessed=test_after)
        made["centres"] = centre_table(rows)
    if len(rows) and len(processed):
        try:
            made["false_positives"] = false_positive_table(rows, processed)
        except ValueError as error:  # half of it was written by an earlier start
            problems.append(Sentence(f"{error}.", warning=True))
    for name, table in {"test": cv.test, f"test{POSTPROCESSED}": cv.test_postprocessed}.items():
        if len(table):
            made[name] = test_table(table)
    return made, problems


def _about(cv: CvFolder) -> dict[str, Any]:
    run = cv.whole
    versions = run.manifest.get("versions", {})
    return {
        "phantom": run.phantom,
        "name": run.manifest.get("name") or run.folder.name,
        "data": run.manifest.get("data", {}),
        "model": run.target_of("model"),
        "status": cv_status(cv),
        "sentences": [*cv_evaluation(cv), *oracle_sentences(cv.whole)],
        "folds": [_fold_line(fold) for fold in cv.folds],
        "many": run.many,
        "official": None if run.many else challenge_view(run.official),
        "cases": tables.case_table(run.cases) if len(run.cases) else None,
        "failed": run.manifest.get("failed_cases", []),
        "facts": facts(run),
        "versions": versions,
        "commands": cv_commands(run, finished=not cv.missing),
        "overrides": run.overrides,
        "configuration": run.configuration,
    }


def _scores(cv: CvFolder, made: Tables, problems: list[Sentence]) -> dict[str, Any]:
    chains = cv.chains()
    chain = next(iter(chains)) if len(chains) == 1 else "post-processed"
    removed, many = made.get("false_positives"), cv.whole.many
    said = false_positives_said(removed) if removed is not None else []
    named = "; ".join(f"{steps} ({names})" for steps, names in chains.items()) if len(chains) > 1 else "".join(chains)
    return {
        "figures": headline(cv, made, chain),
        "organs": _organ_section(cv) if many and "folds" in made else None,
        "fold_scores": fold_view(made["folds"], chain) if "folds" in made else None,
        "nothing_scored": "No fold has scored its left-out patients yet: there is no cases.csv.",
        "chain": named,
        "removed": [*problems, *(sentence for sentence in said if sentence.warning or not many)],
        "false_positives": None if removed is None else false_positive_view(removed),
        "centres": _centre_view(made["centres"]) if "centres" in made and not many else None,
        "tested": _tested(cv, made),
        "untested": looks_at_test(cv).text,
    }


def _tested(cv: CvFolder, made: Tables) -> dict[str, tables.TableView]:
    captions = {
        "test": "Networks alone",
        f"test{POSTPROCESSED}": f"After post-processing ({cv.test_chain() or 'unknown'})",
    }
    if not cv.whole.many:
        return {caption: _centre_view(made[name]) for name, caption in captions.items() if name in made}
    rows = {"test": cv.test, f"test{POSTPROCESSED}": cv.test_postprocessed}
    return {
        captions[name]: organ_view(scores_of(rows[name], cv.whole.label_names)) for name in captions if name in made
    }


def _organ_section(cv: CvFolder) -> dict[str, Any]:
    """That of a run, and how the folds differ."""
    return organ_section(cv.whole) | {"folds": source_view(cv.whole.cases, cv.whole.label_names, "fold")}


def _centre_view(table: pd.DataFrame) -> tables.TableView:
    return tables.centre_table(table.rename(columns={"row": "centre"}))


def _fold_line(fold: FoldFolder) -> dict[str, str]:
    run = fold.run
    linked = run is not None and (run.folder / REPORT_NAME).is_file()
    best = None if run is None else run.manifest.get("best_epoch")
    return {
        "name": fold.name,
        "link": f"folds/{quote(fold.name, safe='')}/{REPORT_NAME}" if linked else "",
        "state": fold.lacking or "finished",
        "patients": "" if run is None else str(len(run.manifest.get("split", {}).get("test", []))),
        "best": "" if best is None else str(best),
        "looks": str(fold.looks or "") if run else "",
    }


def _plots(cv: CvFolder) -> dict[str, bytes]:
    """Dice by fold and, where folds are not centres, by centre."""
    rows = cv.whole.cases
    if rows.empty:
        return {}
    kinds = ["fold"] if list(rows["fold"]) == list(rows["centre"]) else ["fold", "centre"]
    # a patient of two folds has one centre
    shown = {"fold": rows, "centre": rows.drop_duplicates(["case", "structure"])}
    return {by: dice_by(shown[by], by, phantom=cv.whole.phantom) for by in kinds}


def _captioned(cv: CvFolder, plots: dict[str, bytes]) -> dict[str, bytes]:
    shown = {f"Dice of each left-out patient by {by}": png for by, png in plots.items()}
    if len(plots) == 1:  # room for a second picture beside it
        shown["Predicted against true volume"] = volumes(cv.whole.cases, phantom=cv.whole.phantom)
    return shown


def _curves(cv: CvFolder) -> bytes | None:
    logged = {fold.name: fold.run for fold in cv.folds if fold.run and len(fold.run.epochs)}
    if not logged:
        return None
    monitor = str(next(iter(logged.values())).manifest.get("monitor", "val/dice"))
    epochs = {name: run.epochs for name, run in logged.items()}
    return fold_curves(epochs, monitor=monitor, phantom=cv.whole.phantom)
