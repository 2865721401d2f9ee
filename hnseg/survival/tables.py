"""Rows of an experiment's tables from its finished pieces, in an order that does not depend on which came first."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from hnseg.survival.objects import Outcome, SurvivalData
from hnseg.survival.plan import HONEST
from hnseg.survival.scoring import SCORES
from hnseg.survival.statistics import FoldRisks, calibration, high_risk, kaplan_meier, log_rank

Piece = Mapping[str, Any]
"""What :func:`hnseg.survival.tasks.run_task` returns."""
Row = dict[str, Any]
Arm = tuple[str, str, str]
"""(protocol, model, feature set): a line of the summary."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "outcome": ("patient", "centre", "event", "time_days"),
    "risks": ("protocol", "model", "features", "repeat", "fold", "patient", "risk", "survival"),
    "scores": (
        "protocol",
        "model",
        "features",
        "repeat",
        "fold",
        "n_train",
        "n_test",
        "events",
        *SCORES,
        "selected",
        "parameters",
        "note",
    ),
    "selected": ("protocol", "model", "features", "repeat", "fold", "feature", "value"),
    "kaplan_meier": ("model", "features", "group", "time_days", "survival", "low", "high", "at_risk"),
    "log_rank": ("model", "features", "n_low", "n_high", "chi2", "p"),
    "calibration": ("model", "features", "group", "n", "predicted", "observed", "low", "high"),
}


def cell(value: Any) -> Any:
    """A number as it stands in a table: what is not known is an empty cell."""
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def outcome_rows(data: SurvivalData) -> list[Row]:
    """Who, where, and what became of them."""
    outcome = data.outcome
    return [
        {"patient": patient, "centre": data.centres.get(patient, ""), "event": int(event), "time_days": float(days)}
        for patient, event, days in zip(outcome.patients, outcome.event, outcome.time_days, strict=True)
    ]


def fold_rows(pieces: Sequence[Piece], outcome: Outcome) -> dict[str, list[Row]]:
    """The tables ``risks``, ``scores`` and ``selected``.

    Scores have the chosen ``parameters`` as JSON and a ``note`` where the fit needed others.
    """
    tables: dict[str, list[Row]] = {"risks": [], "scores": [], "selected": []}
    for piece in pieces:
        events = int(outcome.of(piece["patients"]).event.sum())
        sizes = {"n_train": piece["n_train"], "n_test": piece["n_test"], "events": events}
        for model, made in piece["models"].items():
            place = {"protocol": piece["protocol"], "model": model} | {
                name: piece[name] for name in ("features", "repeat", "fold")
            }
            scores = {name: cell(made["scores"][name]) for name in SCORES}
            chosen = json.dumps(made["parameters"], sort_keys=True, separators=(",", ":"))
            fitted = {"selected": len(piece["selected"]), "parameters": chosen, "note": made["note"]}
            tables["scores"].append(place | sizes | scores | fitted)
            tables["selected"] += [place | {"feature": name, "value": value} for name, value in piece["selected"]]
            tables["risks"] += [
                place | {"patient": patient, "risk": risk, "survival": survival}
                for patient, risk, survival in zip(piece["patients"], made["risk"], made["survival"], strict=True)
            ]
    return tables


def arms(pieces: Sequence[Piece], outcome: Outcome) -> dict[Arm, list[FoldRisks]]:
    """The out-of-fold risks of each arm, fold by fold."""
    found: dict[Arm, list[FoldRisks]] = {}
    for piece, model, made in _made(pieces):
        test, cut = outcome.of(piece["patients"]), made["median_train_risk"]
        fold = FoldRisks(test, np.array(made["risk"]), piece["repeat"], cut)
        found.setdefault((piece["protocol"], model, piece["features"]), []).append(fold)
    return found


def group_rows(folds: Mapping[Arm, Sequence[FoldRisks]], outcome: Outcome) -> dict[str, list[Row]]:
    """The tables ``kaplan_meier`` and ``log_rank``, of the honest protocol."""
    tables: dict[str, list[Row]] = {"kaplan_meier": [], "log_rank": []}
    for (protocol, model, features), of_arm in folds.items():
        if protocol != HONEST:
            continue
        arm = {"model": model, "features": features}
        high = high_risk(of_arm)
        theirs = outcome.of(high)
        is_high = np.array(list(high.values()))
        for group, members in (("low", ~is_high), ("high", is_high)):
            curve = kaplan_meier(theirs.event[members], theirs.time_days[members])
            tables["kaplan_meier"] += [arm | {"group": group} | row for row in _records(curve)]
        test = log_rank(theirs.event, theirs.time_days, is_high)
        tables["log_rank"].append(arm | {name: cell(value) for name, value in test._asdict().items()})
    return tables


def calibration_rows(pieces: Sequence[Piece], outcome: Outcome, horizon_days: float) -> list[Row]:
    """Of the honest protocol; a patient's predictions are averaged over repeats."""
    rows: list[Row] = []
    for (model, features), survival in _patient_means(pieces, lambda made: made["survival"]).items():
        table = calibration(outcome.of(survival), np.array(list(survival.values())), horizon_days)
        rows += [{"model": model, "features": features} | row for row in _records(table)]
    return rows


def mean_ranks(pieces: Sequence[Piece]) -> dict[tuple[str, str], dict[str, float]]:
    """(model, feature set) to patient to the rank of the risk, out of fold and honest; greater means earlier.

    Risks of different folds and repeats come from different models, whose scales need not be the same. So it is the
    share of the patients tested in the same fold and repeat who have a smaller risk, equal ones and the patient
    counting one half: above 0 and below 1, ties averaged. Then the mean over repeats.
    """
    return _patient_means(pieces, lambda made: (rankdata(made["risk"]) - 0.5) / len(made["risk"]))


def _patient_means(
    pieces: Sequence[Piece], values_of: Callable[[Mapping[str, Any]], Any]
) -> dict[tuple[str, str], dict[str, float]]:
    """(model, feature set) to patient to the mean over repeats of a value, out of fold and honest."""
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for piece, model, made in _made(pieces):
        if piece["protocol"] == HONEST:
            values = found.setdefault((model, piece["features"]), {})
            for patient, value in zip(piece["patients"], values_of(made), strict=True):
                values.setdefault(patient, []).append(value)
    return {arm: {name: float(np.mean(all_)) for name, all_ in of_arm.items()} for arm, of_arm in found.items()}


def _made(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, str, Mapping[str, Any]]]:
    yield from ((piece, model, made) for piece in pieces for model, made in piece["models"].items())


def _records(table: Any) -> list[Row]:
    return [{name: cell(value) for name, value in row.items()} for row in table.to_dict("records")]
