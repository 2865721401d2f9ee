"""What a run writes down of itself: who it is, what it learns from, how far it got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from hnseg.data import CaseDataModule
from hnseg.data.facts import sample_pictures, training_facts
from hnseg.io import atomic_path, write_json
from hnseg.modules import SegmentationModule
from hnseg.report import write_manifest
from hnseg.report.training_data import FACTS, SAMPLES

PICTURES = 6
"""Training samples that are shown before and after augmentation."""


def describe(
    folder: Path, plain: dict[str, Any], data: CaseDataModule, module: SegmentationModule, phantom: bool, started: str
) -> None:
    """What is known before the first step."""
    assert data.cohort is not None
    assert data.split is not None
    counts = {f"n_{part}": len(getattr(data.split, part)) for part in ("train", "val", "test")}
    write_manifest(
        folder,
        name=folder.name,
        task="train",
        finished=False,
        started=started,
        seed=plain["seed"],
        phantom=phantom,
        data={"name": data.name, "key": data.cohort.key, **counts},
        split=data.split.to_dict(),
        failed_cases=[{"case": f.case_id, "message": f.message} for f in data.cohort.failures],
        cases={case.case_id: str(case.folder) for case in data.cohort.cases},
        parameters=sum(p.numel() for p in module.net.parameters()),
        monitor=plain["monitor"]["metric"],
    )


def picture(folder: Path, data: CaseDataModule) -> None:
    """What the network learns from, for the report: counts over all training patients, and a few samples."""
    if (folder / FACTS).is_file() and (folder / SAMPLES).is_file():
        return
    write_json(folder / FACTS, training_facts(data.cases("train")))
    pictures: dict[str, Any] = sample_pictures(data.training_samples(), data.labels.names, PICTURES)
    with atomic_path(folder / SAMPLES) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **pictures)


def best_epoch(folder: Path) -> int | None:
    """0-based epoch of best.ckpt, read as data."""
    path = folder / "checkpoints" / "best.ckpt"
    return int(torch.load(path, weights_only=True, map_location="cpu")["epoch"]) if path.is_file() else None
