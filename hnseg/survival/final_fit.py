"""The models that are kept: the honest pipeline, tuned and fitted to all patients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.survival.failures import STOPS, reason
from hnseg.survival.objects import BLOCKS, FeatureSet, Outcome, SurvivalModel
from hnseg.survival.pipeline.survival_pipeline import SurvivalPipeline
from hnseg.survival.plain_state import ARRAYS_NAME, JSON_NAME
from hnseg.survival.plan import Plan
from hnseg.survival.saved import SavedModel, save_model, training_summary
from hnseg.survival.tables import Piece, Row, cell
from hnseg.survival.tasks import Task, each_model, prepare

MODELS_FOLDER = "models"
_FILES = (JSON_NAME, ARRAYS_NAME)
IMPORTANCE_COLUMNS = ("model", "features", "feature", "value", "low", "high", "kind")


@dataclass(frozen=True)
class Destination:
    """Where the models of a feature set are kept, and what is kept with them.

    Attributes:
        folder: of the experiment.
        features: name of the feature set.
        data, endpoint, phantom: what they are fitted to.
        needs: how the features of each block are computed; see :mod:`hnseg.survival.needs`.
    """

    folder: Path
    features: str
    data: str
    endpoint: str
    phantom: bool
    needs: Mapping[str, Any]

    def place(self, model: str) -> Path:
        """The folder of a model."""
        return self.folder / MODELS_FOLDER / f"{model}-{self.features}"

    def digest(self, model: str) -> str | None:
        """A hash of a model's files; None where one is not there."""
        files = [self.place(model) / name for name in _FILES]
        if not all(file.is_file() for file in files):
            return None
        return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()

    def has(self, piece: Piece) -> bool:
        """Whether the models on disk are those of a final fit, and not of a later one of other data or another plan."""
        return all(made["files"] == self.digest(model) for model, made in piece["models"].items())


def fit_final(
    task: Task, features: pd.DataFrame, outcome: Outcome, plan: Plan, destination: Destination
) -> dict[str, Any]:
    """Tune and fit every model of the plan, and save it; one that fails is set aside with the reason.

    Returns:
        JSON types: ``models`` by name with ``parameters``, ``importances`` and a hash of their ``files``; ``failed``
        and ``seconds``.
    """
    feature_set = FeatureSet.named(task.features)
    others = set(BLOCKS) - set(feature_set.blocks)
    needs = {name: value for name, value in destination.needs.items() if name not in others}
    training = training_summary(destination.data, outcome, destination.endpoint, plan.horizon_days)
    try:
        prepared = prepare(task, features, outcome, plan)
    except STOPS:
        raise
    except Exception as error:
        return final_piece(task, {}, dict.fromkeys(plan.models, reason(error)), {})

    def keep(name: str, model: SurvivalModel, parameters: Mapping[str, Any]) -> dict[str, Any]:
        pipeline = SurvivalPipeline(prepared.preprocessing, model)
        saved = SavedModel(pipeline, feature_set, needs, destination.phantom, training)
        save_model(destination.place(name), saved)
        table = pipeline.importances()[list(IMPORTANCE_COLUMNS[2:])]
        rows = [{key: cell(value) for key, value in row.items()} for row in table.to_dict("records")]
        return {"parameters": dict(parameters), "importances": rows, "files": destination.digest(name)}

    done, failed, seconds = each_model(plan, keep, prepared)
    return final_piece(task, done, failed, seconds)


def final_piece(
    task: Task, models: Mapping[str, Any], failed: Mapping[str, str], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """A piece of JSON types; see :func:`fit_final`."""
    return {"features": task.features, "models": dict(models), "failed": dict(failed), "seconds": dict(seconds)}


def remove_others(folder: Path, pieces: Sequence[Piece]) -> None:
    """Remove the models of an experiment that none of these final fits made: those of an earlier plan or of other data.

    Files that are no model's stay.
    """
    made = {f"{model}-{piece['features']}" for piece in pieces for model in piece["models"]}
    for place in (folder / MODELS_FOLDER).glob("*-*"):
        if place.name not in made and any((place / name).is_file() for name in _FILES):
            for name in _FILES:
                (place / name).unlink(missing_ok=True)
            if not any(place.iterdir()):
                place.rmdir()


def importance_rows(pieces: Sequence[Piece]) -> list[Row]:
    """The table ``importances``."""
    return [
        {"model": model, "features": piece["features"]} | row
        for piece in pieces
        for model, made in piece["models"].items()
        for row in made["importances"]
    ]
