"""Fitted pipelines as files of plain data, which anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.survival.needs import refuse_needs
from hnseg.survival.objects import FeatureSet, Outcome
from hnseg.survival.pipeline.survival_pipeline import SurvivalPipeline
from hnseg.survival.plain_state import JSON_NAME, read_state, write_state

FORMAT = 1
"""Raised when an older hnseg could not read what this one writes, or would read it as something else."""

_TYPES: dict[str, type] = {
    "format": int, "feature_set": str, "phantom": bool, "needs": dict, "training": dict, "pipeline": dict,
}  # fmt: skip
_TRAINING: dict[str, type | tuple[type, ...]] = {
    "data": str, "n": int, "events": int, "endpoint": str, "horizon_days": (int, float),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A fitted pipeline and what is needed to use it.

    Attributes:
        pipeline: preprocessing and model, fitted.
        feature_set: the blocks that it takes.
        needs: how the features of its blocks are computed; plain data (:mod:`hnseg.survival.needs`).
        phantom: whether it was fitted to made-up patients.
        training: ``data`` (its name), ``n`` patients, ``events``, ``endpoint``, ``horizon_days``.
    """

    pipeline: SurvivalPipeline
    feature_set: FeatureSet
    needs: Mapping[str, Any]
    phantom: bool
    training: Mapping[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that it was fitted on; it imputes those that a table lacks."""
        return tuple(self.pipeline.preprocessing.steps_["impute"].columns_)

    def risk(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """(n,) of (patients, features), NaN where unknown: greater means earlier.

        Raises:
            ValueError: the table has none of its features, or an infinite value.
        """
        return self.pipeline.risk(features)


def training_summary(data: str, outcome: Outcome, endpoint: str, horizon_days: float) -> dict[str, Any]:
    """What a saved model says of those it was fitted to."""
    events = int(outcome.event.sum())
    return {"data": data, "n": len(outcome), "events": events, "endpoint": endpoint, "horizon_days": horizon_days}


def save_model(folder: Path, model: SavedModel) -> None:
    """Write ``model.json`` and ``arrays.npz``.

    Raises:
        DiskFullError: no room.
    """
    state = {
        "format": FORMAT,
        "feature_set": model.feature_set.name,
        "phantom": model.phantom,
        "needs": model.needs,
        "training": model.training,
        "pipeline": model.pipeline.to_plain(),
    }
    write_state(folder, state)


def load_model(folder: Path) -> SavedModel:
    """Read a model as data: nothing in it is run, and no name in it is imported.

    Raises:
        ValueError: it is not there, damaged, of another format, or holds what no saved model has.
    """
    path = Path(folder) / JSON_NAME
    state = read_state(Path(folder))
    if state.get("format") != FORMAT:
        raise ValueError(f"{path} has format {state.get('format')!r}, this hnseg reads {FORMAT}; update hnseg")
    _check(state, _TYPES, path)
    _check(state["training"], _TRAINING, path)
    try:
        feature_set = FeatureSet.named(state["feature_set"])
        refuse_needs(state["needs"], feature_set)
        pipeline = SurvivalPipeline.from_plain(state["pipeline"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return SavedModel(pipeline, feature_set, state["needs"], state["phantom"], state["training"])


def _check(found: Mapping[str, Any], types: Mapping[str, Any], path: Path) -> None:
    if odd := set(found) ^ set(types):
        raise ValueError(f"{path}: {', '.join(sorted(odd))[:200]} is missing or too much; this is no saved model")
    for name, kind in types.items():
        if not isinstance(found[name], kind) or (isinstance(found[name], bool) and kind is not bool):
            raise ValueError(f"{path}: {name!r} is {type(found[name]).__name__}; this is no saved model")
