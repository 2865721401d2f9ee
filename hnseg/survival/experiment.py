"""An experiment from cohort to tables: pieces in processes of their own, each kept on disk when it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hnseg.io.tables import write_rows
from hnseg.prepare.pool import run_all, worker_count
from hnseg.survival import tables
from hnseg.survival.final_fit import IMPORTANCE_COLUMNS, Destination, importance_rows, remove_others
from hnseg.survival.jobs import Job, compute, final_job, killed, outer_job
from hnseg.survival.models.registry import MODELS
from hnseg.survival.needs import refuse_needs
from hnseg.survival.objects import Fold, SurvivalData
from hnseg.survival.plan import Plan, refuse_unfit
from hnseg.survival.statistics import concordance
from hnseg.survival.submission import write_submission
from hnseg.survival.summary import COLUMNS as SUMMARY_COLUMNS
from hnseg.survival.summary import summary_rows


@dataclass(frozen=True)
class Results:
    """What an experiment came to; everything else is in its folder.

    Attributes:
        summary: rows of ``summary.csv``.
        set_aside: ``what`` could not be done and ``why``.
        best_c_index: of the true hazard of phantom patients, mean over folds; None where it is not known.
    """

    summary: list[dict[str, Any]]
    set_aside: list[dict[str, str]]
    best_c_index: float | None


def run_experiment(
    data: SurvivalData,
    folds_by_repeat: Sequence[Sequence[Fold]],
    plan: Plan,
    folder: Path,
    *,
    needs: Mapping[str, Any],
    endpoint: str = "",
    progress: bool = True,
) -> Results:
    """Cross-validate every model on every feature set by every protocol, fit each to all patients, write the tables.

    Finished pieces in ``folder/tasks`` are not computed again where data, plan and version are the same. What is
    written does not depend on the number of processes.

    Args:
        data: the cohort.
        folds_by_repeat: the outer folds of each repeat, which may be the same ones. Where deep features are used, the
            final fit takes those of the first fold's network.
        plan: what to compare.
        folder: of the experiment.
        needs: kept with the saved models: how the features of each block are computed
            (:func:`hnseg.survival.needs.refuse_needs`).
        endpoint: its name, kept with the saved models.
        progress: draw a bar.

    Raises:
        ValueError: the plan does not fit the data, something is missing from ``needs``, or no model is installed.
    """
    refuse_unfit(plan, data, folds_by_repeat)
    for features in plan.sets:
        refuse_needs(needs, features)
    plan, missing = _installed(plan)
    outer = [
        outer_job(protocol, number, fold, features, data, plan, folder)
        for number, folds in enumerate(folds_by_repeat)
        for fold in folds
        for features in plan.sets
        for protocol in plan.protocols
    ]
    first = folds_by_repeat[0][0].name
    final = []
    for features in plan.sets:
        destination = Destination(folder, features.name, data.name, endpoint, data.phantom, needs)
        final.append(final_job(features, first, data, plan, destination))
    pieces = _finish([*outer, *final], plan.workers, progress)
    set_aside = missing + [
        {"what": f"{model}: {job.label}", "why": why}
        for job, piece in zip([*outer, *final], pieces, strict=True)
        for model, why in piece["failed"].items()
    ]
    summary = _write_tables(folder, data, plan, pieces[: len(outer)], pieces[len(outer) :])
    return Results(summary, set_aside, best_c_index(data, folds_by_repeat))


def best_c_index(data: SurvivalData, folds_by_repeat: Sequence[Sequence[Fold]]) -> float | None:
    """The C-index of the true hazard, as a model's: mean over folds, of every repeat; None where it is not known."""
    if data.log_hazard is None:
        return None
    scores = []
    for fold in (fold for folds in folds_by_repeat for fold in folds):
        test = data.outcome.of(fold.test)
        scores.append(concordance(test.event, test.time_days, [data.log_hazard[name] for name in fold.test]))
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else None


def _installed(plan: Plan) -> tuple[Plan, list[dict[str, str]]]:
    """The plan without models whose package is missing, and those.

    Raises:
        ValueError: none is left.
    """
    why = {name: MODELS[name].missing() for name in plan.models}
    models = tuple(name for name in plan.models if why[name] is None)
    if not models:
        raise ValueError("; ".join(str(sentence) for sentence in why.values()))
    missing = [{"what": name, "why": sentence} for name, sentence in why.items() if sentence is not None]
    return replace(plan, models=models), missing


def _finish(jobs: Sequence[Job], workers: int | None, progress: bool) -> list[dict[str, Any]]:
    """The pieces of all jobs, in their order: read from disk, after those that are missing were computed."""
    waiting = [(job,) for job in jobs if not job.done]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    lost: dict[Path, dict[str, Any]] = {}
    with Progress(*columns, TimeRemainingColumn(), disable=not progress) as bar:
        line = bar.add_task("folds x feature sets", total=len(jobs), completed=len(jobs) - len(waiting))
        if waiting:
            for file, piece in run_all(compute, waiting, worker_count(workers, len(waiting)), killed):
                lost |= {} if piece is None else {file: piece}
                bar.advance(line)
    return [lost.get(job.file) or json.loads(job.file.read_text(encoding="utf-8")) for job in jobs]


def _write_tables(
    folder: Path, data: SurvivalData, plan: Plan, pieces: Sequence[tables.Piece], final: Sequence[tables.Piece]
) -> list[dict[str, Any]]:
    folds = tables.arms(pieces, data.outcome)
    written = {"outcome": tables.outcome_rows(data)} | tables.fold_rows(pieces, data.outcome)
    written |= tables.group_rows(folds, data.outcome)
    written["calibration"] = tables.calibration_rows(pieces, data.outcome, plan.horizon_days)
    for name, rows in written.items():
        write_rows(folder / f"{name}.csv", rows, tables.COLUMNS[name])
    summary = summary_rows(written["scores"], folds, plan)
    write_rows(folder / "summary.csv", summary, SUMMARY_COLUMNS)
    write_rows(folder / "importances.csv", importance_rows(final), IMPORTANCE_COLUMNS)
    risks = {f"{'+'.join(arm)}.csv": values for arm, values in tables.mean_ranks(pieces).items()}
    for name, values in risks.items():
        write_submission(folder / "risks" / name, values)
    for file in set((folder / "risks").glob("*+*.csv")) - {folder / "risks" / name for name in risks}:
        file.unlink()  # of an earlier plan
    remove_others(folder, final)
    return summary
