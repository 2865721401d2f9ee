"""What segmentation runs leave on disk about who was trained on whom, read as the data of a stranger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg.inference.find import find_checkpoints
from hnseg.io import read_rows
from hnseg.io.phantom_marker import is_phantom
from hnseg.io.tables import PREDICTIONS
from hnseg.survival.failures import listed

PROTOCOLS = ("inner", "paper", "final")


@dataclass(frozen=True)
class TrainedFold:
    """A network, and who it was trained, validated and tested on.

    Attributes:
        name: of its folder.
        protocol: ``inner``: validation patients are some of the training patients; ``paper``: they are those tested.
        train, val, test: case ids.
        checkpoint: its best weights.
        phantom: whether it was trained on a phantom.
    """

    name: str
    protocol: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    checkpoint: Path
    phantom: bool

    @property
    def saw(self) -> frozenset[str]:
        """Whom training or validation saw."""
        return frozenset({*self.train, *self.val})


def read_fold(run: Path) -> TrainedFold:
    """What the folder of a finished run says; the patients are those of ``split`` in its manifest.

    Raises:
        ValueError: the run is not finished, is a final fit, has no checkpoint, or its manifest contradicts itself.
    """
    if not (run / "manifest.json").is_file():
        raise ValueError(f"{run} is not finished: it was never started; say the command of the whole again")
    manifest = read_manifest(run)
    if not manifest.get("finished"):
        raise ValueError(f"{run} is not finished; say the command that started it again, it goes on where it stopped")
    protocol, train, val, test = _split(run, manifest.get("split"))
    if protocol == "final":
        raise ValueError(
            f"{run} is a final fit, whose validation patients trained as well; outcome needs networks and masks of "
            "patients who were left out: give a cross-validation"
        )
    if shared := {*train, *(() if protocol == "paper" else val)} & set(test):
        raise ValueError(f"{run / 'manifest.json'}: {listed(sorted(shared))} are tested and trained on; train it again")
    (checkpoint,) = find_checkpoints(run)
    return TrainedFold(run.name, protocol, train, val, test, checkpoint, bool(manifest.get("phantom")))


def read_manifest(folder: Path) -> dict[str, Any]:
    """``manifest.json`` of a run.

    Raises:
        ValueError: it is no JSON object.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); resume the run to write it again") from error
    if not isinstance(manifest, dict):
        raise ValueError(f"{path} holds a {type(manifest).__name__}, expected an object; resume the run")
    return manifest


def masks_below(run: Path) -> Path:
    """Where a run keeps the masks of those whom it tested: after post-processing where there was any."""
    processed = run / "postprocessed" / "predictions"
    return processed if processed.is_dir() else run / "predictions"


def from_predictions(folder: Path) -> tuple[dict[str, str], bool]:
    """Who was seen by the networks that made a folder of masks, and whether they are phantoms.

    Returns:
        patient to the checkpoint that saw them, and the mark. `hnseg predict` notes both in ``predictions.csv``; of
        masks of other origin nothing is known but what a marker beside them says.
    """
    path, seen, phantom = folder / PREDICTIONS, dict[str, str](), is_phantom(folder)
    if not path.is_file():
        return seen, phantom
    splits: dict[str, frozenset[str]] = {}
    for row in read_rows(path, required=("case",)):
        phantom |= row.get("phantom", "").lower() == "true"
        for checkpoint in filter(None, row.get("checkpoints", "").split("; ")):
            if checkpoint not in splits:
                splits[checkpoint] = _seen_by(Path(checkpoint))
            if row["case"] in splits[checkpoint]:
                seen[row["case"]] = checkpoint
    return seen, phantom


def _seen_by(checkpoint: Path) -> frozenset[str]:
    """Whom a checkpoint in a run's folder was trained and validated on; nobody where the run is gone."""
    run = checkpoint.parent.parent
    if not (run / "manifest.json").is_file():
        return frozenset()
    _, train, val, _ = _split(run, read_manifest(run).get("split"))
    return frozenset({*train, *val})


def _split(run: Path, split: Any) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Protocol and the case ids of training, validation and test."""
    parts = [split.get(part) for part in ("train", "val", "test")] if isinstance(split, Mapping) else []
    named = [part for part in parts if isinstance(part, list) and all(isinstance(name, str) for name in part)]
    if len(named) < 3 or split.get("protocol") not in PROTOCOLS:
        raise ValueError(
            f"{run / 'manifest.json'} does not say who was trained, validated and tested on (split); expected what "
            "hnseg train writes"
        )
    train, val, test = (tuple(part) for part in named)
    return split["protocol"], train, val, test
