"""`survival predict`: the risk of new patients by a saved model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hnseg.run.new_features import new_features
from hnseg.run.resolvers import to_plain
from hnseg.survival.new_patients import predict_risks
from hnseg.survival.saved import SavedModel, load_model
from hnseg.survival.submission import write_submission


def main(config: DictConfig) -> int:
    """0; 1 where patients could not be used."""
    plain = to_plain(config)
    output = Path(plain["output"]).expanduser()
    for key in ("input", "clinical", "mapping"):
        if plain[key] is not None and Path(plain[key]).expanduser().resolve() == output.resolve():
            raise ValueError(f"output={output} is the file that {key}= names; choose another name")
    if output.is_dir():
        raise ValueError(f"output={output} is a folder; give the name of a CSV")
    model = load_model(Path(plain["model"]["folder"]).expanduser())
    print(_about(model.training, model))
    features, failures = new_features(plain, model)
    risks, notices = predict_risks(model, features)
    write_submission(output, risks)
    for notice in notices:
        print(f"beware: {notice}")
    for failure in failures:
        print(f"set aside: {failure}")
    print(f"risk of {len(risks)} patients; greater means that the event is expected earlier: {output}")
    return 1 if failures or len(risks) < len(features) else 0


def _about(training: Mapping[str, Any], model: SavedModel) -> str:
    patients = f"{training['n']} patients of {training['data']}, {training['events']} events"
    return f"{model.feature_set.name}, fitted to {patients} ({training['endpoint'] or 'endpoint not named'})"
