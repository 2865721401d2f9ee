"""What a run's network makes of its own validation patients: predicted once, and kept in the run's folder."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from hnseg.evaluate.tuning import PredictedCase
from hnseg.inference import Checkpoint, Predictor
from hnseg.io import atomic_path
from hnseg.labels import LabelSet
from hnseg.prepare import Case
from hnseg.run.slice_clicks import shown_clicks

KEPT = "tuning"
EPS = 1e-6
"""Probabilities are kept at least this far from 0 and 1, as where validation takes its loss."""


def validation_cases(run: Path, manifest: Mapping[str, Any]) -> list[Case]:
    """The validation patients of a finished run, none of whom it is tested on.

    Raises:
        ValueError: the run is not finished, validated on its test patients, or a prepared case is gone.
    """
    if manifest.get("task") != "train" or not manifest.get("finished"):
        raise ValueError(f"{run} is not a finished run; its best weights may still change: train it to its end first")
    split = manifest["split"]
    shared = set(split["val"]) & set(split["test"])
    if split["protocol"] == "final":
        raise ValueError(
            f"{run} is a final fit: its validation patients trained as well, so nothing can be chosen on them; tune "
            "on a run with split.final=false"
        )
    if split["protocol"] != "inner" or shared:
        raise ValueError(
            f"{run} was trained with split.protocol={split['protocol']}: it validates on the patients whose scores it "
            "reports, and what is chosen on them would flatter those scores; train with split.protocol=inner, which "
            "takes validation patients from the training set"
        )
    return [Case.open(Path(manifest["cases"][case_id])) for case_id in split["val"]]


def predict_once(run: Path, checkpoint: Checkpoint, cases: Sequence[Case], device: str) -> list[PredictedCase]:
    """Predict cases with a run's network, or find what an earlier call left.

    Kept are logits (log-probabilities with softmax) as float16 in ``tuning/<key>/CASE.npy``: half the space of
    probabilities, exact about which side of one half a voxel is on, and true to 0.5 % at the ends, where an energy
    takes logarithms. The key is of weights, settings and prepared cases; what another key left is removed.

    Raises:
        ValueError: the network's answer is not finite.
        DiskFullError: no room.
    """
    folder = run / KEPT / _key(checkpoint, cases)
    for old in set((run / KEPT).glob("*")) - {folder}:
        shutil.rmtree(old)
    waiting = [case for case in cases if not _file(folder, case).is_file()]
    if waiting:
        predictor = Predictor([checkpoint], device=device)
        for case in track(waiting, description=f"predict {run.name}"):
            image = torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0])
            clicks = shown_clicks(case, checkpoint.clicks, "test", int(checkpoint.config.get("seed", 0)))
            _keep(_file(folder, case), predictor.predict_prepared(image, clicks=clicks), checkpoint.labels)
    return [
        PredictedCase(
            f"{run.name}/{case.case_id}",
            case,
            checkpoint.threshold,
            partial(_load, _file(folder, case), checkpoint.labels),
        )
        for case in cases
    ]


def _file(folder: Path, case: Case) -> Path:
    return folder / f"{case.case_id}.npy"


def _keep(path: Path, probabilities: Tensor, labels: LabelSet) -> None:
    logits = probabilities.float().cpu()
    if labels.activation != "identity":
        inner = logits.clamp(EPS, 1 - EPS)
        logits = inner.logit() if labels.activation == "sigmoid" else inner.log()
    if not bool(torch.isfinite(logits).all()):
        raise ValueError(f"the network's answer for {path.stem} is not finite; the run cannot be tuned")
    buffer = io.BytesIO()
    np.save(buffer, logits.half().numpy())
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())  # not np.save: on a full disk it raises an error without its cause


def _load(path: Path, labels: LabelSet) -> Tensor:
    """Probabilities (channels, Z, Y, X), float32."""
    return labels.activate(torch.from_numpy(np.load(path)).float()[None])[0]


def _key(checkpoint: Checkpoint, cases: Sequence[Case]) -> str:
    described = {
        "net": dict(checkpoint.net),
        "normalization": checkpoint.normalization.to_dict(),
        "inference": checkpoint.inference.to_dict(),
        "cases": [(case.case_id, case.key) for case in cases],
    }
    digest = hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode())
    for name, weight in sorted(checkpoint.state_dict.items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
