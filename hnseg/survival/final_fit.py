"""The models that are kept: the honest pipeline, tuned and fitted to all patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.survival.objects import BLOCKS, FeatureSet, Outcome, SurvivalModel
from hnseg.survival.pipeline.survival_pipeline import SurvivalPipeline
from hnseg.survival.plain_state import ARRAYS_NAME, JSON_NAME
from hnseg.survival.plan import Plan
from hnseg.survival.saved import SavedModel, save_model, training_summary
from hnseg.survival.tables import Piece, Row, cell
from hnseg.survival.tasks import STOPS, Task, each_model, prepare, reason

MODELS_FOLDER = "models"
IMPORTANCE_COLUMNS = ("model", "features", "feature", "value", "low", "high", "kind")


@dataclass(frozen=True)
class Destination:
    """Where the models of a feature set are kept, and what is kept with them.

    Attributes:
        folder: of the experiment.
        features: name of the feature set.
        data, endpoint, phantom: what they are fitted to.
        needs: by block of features (or any other name), what is needed to compute it; plain data.
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

    def has(self, model: str) -> bool:
        """Whether a model's files are there."""
        return all((self.place(model) / name).is_file() for name in (JSON_NAME, ARRAYS_NAME))


def fit_final(
    task: Task, features: pd.DataFrame, outcome: Outcome, plan: Plan, destination: Destination
) -> dict[str, Any]:
    """Tune and fit every model of the plan, and save it; one that fails is set aside with the reason.

    Returns:
        JSON types: ``models`` by name with ``parameters`` and ``importances``, ``failed``, ``seconds``.
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
        return {"features": task.features, "models": {}, "failed": dict.fromkeys(plan.models, reason(error))}

    def keep(name: str, model: SurvivalModel, parameters: Mapping[str, Any]) -> dict[str, Any]:
        pipeline = SurvivalPipeline.joined(prepared.preprocessing, model)
        saved = SavedModel(pipeline, feature_set, needs, destination.phantom, training)
        save_model(destination.place(name), saved)
        table = pipeline.importances()[list(IMPORTANCE_COLUMNS[2:])]
        rows = [{key: cell(value) for key, value in row.items()} for row in table.to_dict("records")]
        return {"parameters": dict(parameters), "importances": rows}

    done, failed, seconds = each_model(plan, keep, prepared)
    return {"features": task.features, "models": done, "failed": failed, "seconds": seconds}


def importance_rows(pieces: Sequence[Piece]) -> list[Row]:
    """The table ``importances``."""
    return [
        {"model": model, "features": piece["features"]} | row
        for piece in pieces
        for model, made in piece["models"].items()
        for row in made["importances"]
    ]
