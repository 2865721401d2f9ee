"""An experiment in a table: a row a protocol, model and feature set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hnseg.survival.plan import Plan
from hnseg.survival.scoring import SCORES
from hnseg.survival.statistics import FoldRisks, bootstrap_interval, corrected_t_test
from hnseg.survival.tables import Arm, Row, cell

COLUMNS = (
    *("protocol", "model", "features", "folds", "c_index", "sd", "low", "high", "uno_c", "auc", "ibs", "ibs_reference"),
    *("selected", "reference", "difference", "p", "published"),
)


def summary_rows(
    scores: Sequence[Mapping[str, Any]], folds: Mapping[Arm, Sequence[FoldRisks]], plan: Plan
) -> list[Row]:
    """The table ``summary``.

    The C-index is the mean over folds (of every repeat), ``sd`` their standard deviation, ``low`` and ``high`` its 95 %
    bootstrap interval over patients; ``selected`` is a median. Each feature set is tested against the plan's reference
    with the same model and protocol, fold by fold, by the corrected resampled t-test. Folds of different repeats that
    test the same patients count as one, with the mean of their differences: to fit again with another seed tells
    nothing new of patients.

    Args:
        scores: rows of the table ``scores``.
        folds: out-of-fold risks by arm, in the order of its scores.
        plan: names the reference and published values.
    """
    by_arm: dict[Arm, list[Mapping[str, Any]]] = {}
    for row in scores:
        by_arm.setdefault((row["protocol"], row["model"], row["features"]), []).append(row)
    rows = []
    for arm, of_arm in by_arm.items():
        protocol, model, features = arm
        values = _column(of_arm, "c_index")
        interval = bootstrap_interval(folds[arm], resamples=plan.bootstrap_resamples, seed=plan.seed)
        row = {"protocol": protocol, "model": model, "features": features, "folds": len(of_arm)}
        row |= {name: cell(_mean(_column(of_arm, name))) for name in SCORES}
        row |= {"sd": cell(float(np.nanstd(values, ddof=1)) if np.isfinite(values).sum() > 1 else float("nan"))}
        row |= {"low": cell(interval.low), "high": cell(interval.high)}
        row |= {"selected": float(np.median(_column(of_arm, "selected")))}
        row |= {"reference": "", "difference": None, "p": None}
        if features != plan.reference:
            row |= _against(of_arm, folds[arm], by_arm.get((protocol, model, plan.reference), []))
        rows.append(row | {"published": plan.published.get((model, features))})
    return rows


def _against(
    rows: Sequence[Mapping[str, Any]], tested: Sequence[FoldRisks], reference: Sequence[Mapping[str, Any]]
) -> Row:
    """Tested against the folds that the reference has a score of, too."""
    theirs = {(row["repeat"], row["fold"]): row for row in reference}
    by_patients: dict[frozenset[str], list[tuple[Any, Any]]] = {}
    for row, fold in zip(rows, tested, strict=True):
        if other := theirs.get((row["repeat"], row["fold"])):
            by_patients.setdefault(frozenset(fold.test.patients), []).append((row, other))
    if not by_patients:
        return {}
    pairs = [list(zip(*of_fold, strict=True)) for of_fold in by_patients.values()]
    differences = [_mean(_column(ours, "c_index") - _column(others, "c_index")) for ours, others in pairs]
    sizes = ([ours[0][name] for ours, _ in pairs] for name in ("n_train", "n_test"))
    test = corrected_t_test(differences, *sizes)
    return {"reference": reference[0]["features"], "difference": cell(test.difference), "p": cell(test.p)}


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    return np.array([row[name] for row in rows], float)


def _mean(values: Any) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
