"""What training left about its data, as figures: ``facts.json`` (counts) and ``samples.npz`` (augmented samples)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.report.augmented import augmented_samples
from hnseg.report.data_figures import class_imbalance, hu_distribution
from hnseg.report.run_folder import RunFolder
from hnseg.report.settings import ct_windows

FACTS, SAMPLES = "facts.json", "samples.npz"
SAMPLE_ARRAYS = ("before", "before_label", "after", "after_label", "names", "case")


def data_figures(run: RunFolder) -> dict[str, bytes]:
    """File name (without ``.png``) to figure, in the order of the page; only what the run left something about."""
    made: dict[str, bytes | None] = {}
    facts = _read_facts(run.folder / FACTS)
    if facts is not None:
        made["hu_distribution"] = hu_distribution(facts, windows=ct_windows(run.config), phantom=run.phantom)
        made["class_imbalance"] = class_imbalance(facts, phantom=run.phantom)
    samples = _read_samples(run.folder / SAMPLES)
    if samples is not None:
        made["augmented_samples"] = augmented_samples(samples, phantom=run.phantom)
    return {name: png for name, png in made.items() if png}


def _read_facts(path: Path) -> dict[str, Any] | None:
    """None where there are none, or where they are not what training writes: the rest of the page matters more."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        counted = [(entry["name"], entry["patients_annotated"], entry["slices"], entry["voxels"])
                   for entry in facts["structures"]]  # fmt: skip
        whole = counted and all(isinstance(facts[name], int) for name in ("patients", "slices", "voxels"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts if whole else None


def _read_samples(path: Path) -> Mapping[str, NDArray[Any]] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            samples = {name: stored[name] for name in SAMPLE_ARRAYS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return samples if len(samples["before"]) else None
