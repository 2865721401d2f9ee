"""One piece of an experiment: every model on one feature set in one fold, by one protocol, once.

A piece is a pure function of what it is given, so it may be computed anywhere, and again after the machine was stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.failures import STOPS, reason
from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import Fold, Outcome, SurvivalModel
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.plan import PAPER, Plan
from hnseg.survival.scoring import score_fold, score_times
from hnseg.survival.sentinel import training_rows
from hnseg.survival.tuning import InnerPart, inner_parts, tune


@dataclass(frozen=True)
class Task:
    """Which piece: ``features`` is the name of a feature set."""

    protocol: str
    repeat: int
    fold: Fold
    features: str

    @property
    def label(self) -> str:
        return f"{self.features}, fold {self.fold.name}, repeat {self.repeat}, protocol {self.protocol}"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the models of a piece have in common.

    Attributes:
        preprocessing: fitted.
        train, outcome: of the training patients, features preprocessed.
        parts: the inner folds; none where no model has anything to choose.
        seed: of the models.
    """

    preprocessing: Preprocessing
    train: pd.DataFrame
    outcome: Outcome
    parts: list[InnerPart]
    seed: int


def run_task(task: Task, features: pd.DataFrame, outcome: Outcome, plan: Plan) -> dict[str, Any]:
    """Fit and score every model of the plan; one that fails is set aside with the reason.

    Args:
        task: which piece.
        features: (patients, features) the feature set's table in this fold, with NaN where unknown.
        outcome: of at least the fold's patients.
        plan: what to do.

    Returns:
        JSON types: ``patients`` tested, ``selected`` features, ``models`` by name, ``failed`` models by name with the
        reason, ``seconds`` by model.

    Raises:
        LeakError: something was about to be fitted on other patients than the training ones.
        MemoryError: there is not enough of it; no model's fault, and another time there may be.
    """
    test = features.loc[list(task.fold.test)]
    try:
        prepared = prepare(task, features, outcome, plan)
        tested = prepared.preprocessing.transform(test)
    except STOPS:
        raise
    except Exception as error:
        return task_piece(task, {}, dict.fromkeys(plan.models, reason(error)), {}, [])
    work = _scorer(prepared, tested, outcome.of(task.fold.test), score_times(plan.horizon_days))
    done, failed, seconds = each_model(plan, work, prepared)
    return task_piece(task, done, failed, seconds, selection_rows(prepared.preprocessing))


def prepare(task: Task, features: pd.DataFrame, outcome: Outcome, plan: Plan) -> Prepared:
    """Fit the preprocessing as the protocol has it, and draw the inner folds.

    In the honest protocol it sees the fold's training patients alone, and is fitted anew within each inner fold. In the
    paper's it is one for the whole of a repeat: every fold that is given the same features fits the same.
    """
    fold, seed = task.fold, task_seed(plan.seed, task.repeat, task.fold.name)
    train, theirs = features.loc[list(fold.train)], outcome.of(fold.train)

    choices = any(len(MODELS[name].grid) > 1 for name in plan.models)

    def unfitted(seed: int = seed) -> Preprocessing:
        return Preprocessing(plan.correlation, plan.selection, seed)

    if task.protocol == PAPER:
        everybody = [patient for patient in outcome.patients if patient in {*fold.train, *fold.test}]
        with training_rows(everybody):  # the leak of Bourigault et al. 2021: test patients choose the features
            of_repeat = unfitted(task_seed(plan.seed, task.repeat))
            preprocessing = of_repeat.fit(features.loc[everybody], outcome.of(everybody))
        with training_rows(fold.train):
            train = preprocessing.transform(train)
            parts = inner_parts(train, theirs, plan.inner_folds, seed, None) if choices else []
        return Prepared(preprocessing, train, theirs, parts, seed)
    with training_rows(fold.train):
        preprocessing = unfitted().fit(train, theirs)
        parts = inner_parts(train, theirs, plan.inner_folds, seed, unfitted) if choices else []
    return Prepared(preprocessing, preprocessing.transform(train), theirs, parts, seed)


def each_model(
    plan: Plan, work: Callable[[str, SurvivalModel, Mapping[str, Any]], dict[str, Any]], prepared: Prepared
) -> tuple[dict[str, Any], dict[str, str], dict[str, float]]:
    """``work(name, model, parameters)`` of every model, tuned and fitted to the training patients.

    Returns:
        By model: what ``work`` made, or why there is none, and seconds.
    """
    done, failed, seconds = {}, {}, {}
    for name in plan.models:
        start = time.perf_counter()
        try:
            with training_rows(prepared.outcome.patients):
                parameters = tune(MODELS[name], prepared.parts, prepared.seed)
                model = MODELS[name].make(prepared.seed, **parameters).fit(prepared.train, prepared.outcome)
            done[name] = work(name, model, parameters)
        except STOPS:
            raise
        except Exception as error:  # of four libraries; the other models go on
            failed[name] = reason(error)
        seconds[name] = round(time.perf_counter() - start, 3)
    return done, failed, seconds


def task_seed(seed: int, repeat: int, fold: str = "") -> int:
    """Of a fold's inner folds and models: the same for every feature set, so that these are compared in pairs.

    Without a fold it is the repeat's.
    """
    return int(np.random.SeedSequence([seed, repeat, *fold.encode()]).generate_state(1)[0] >> 1)


def selection_rows(preprocessing: Preprocessing) -> list[list[Any]]:
    """[feature, coefficient in the selection] of what was selected."""
    return [[name, float(value)] for name, value in preprocessing.coefficients().items()]


def _scorer(
    prepared: Prepared, tested: pd.DataFrame, outcome: Outcome, times: NDArray[np.float64]
) -> Callable[[str, SurvivalModel, Mapping[str, Any]], dict[str, Any]]:
    def work(_name: str, model: SurvivalModel, parameters: Mapping[str, Any]) -> dict[str, Any]:
        risk, survival = model.risk(tested), model.survival(tested, times)
        if not np.isfinite(risk).all() or not np.isfinite(survival).all():
            raise ValueError("the model predicts values that are not finite")
        middle = float(np.median(model.risk(prepared.train)))
        return {
            "parameters": dict(parameters),
            "note": getattr(model, "note_", ""),
            "risk": risk.tolist(),
            "survival": survival[:, -1].tolist(),
            "median_train_risk": middle,
            "scores": score_fold(prepared.outcome, outcome, risk, survival, times),
        }

    return work


def task_piece(
    task: Task, models: Mapping[str, Any], failed: Mapping[str, str], seconds: Mapping[str, float], selected: list[Any]
) -> dict[str, Any]:
    """A piece of JSON types; see :func:`run_task`."""
    piece = {"protocol": task.protocol, "features": task.features, "repeat": task.repeat, "fold": task.fold.name}
    sizes = {"n_train": len(task.fold.train), "n_test": len(task.fold.test), "patients": list(task.fold.test)}
    made = {"models": dict(models), "failed": dict(failed), "seconds": dict(seconds), "selected": selected}
    return piece | sizes | made
