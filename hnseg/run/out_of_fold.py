"""What the folds of a cross-validation say together: out-of-fold rows and masks, and the ensemble on test patients."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.data import CaseDataModule
from hnseg.inference import Predictor, load_checkpoint
from hnseg.io import atomic_path, write_json
from hnseg.postprocess import Postprocess
from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.run.folds import Fold
from hnseg.run.ledger import record_look
from hnseg.run.lock import only_one
from hnseg.run.score import (
    POSTPROCESSED,
    best_checkpoint,
    chosen_chain,
    hardware_of,
    read_scores,
    score_cases,
    score_postprocessed,
    write_official,
)

STAMP = "ensemble.json"
"""Which folds, and what after them, the test patients were outlined with: nobody looks at them twice for nothing."""


def gather(folder: Path, folds: Sequence[Fold], plain: dict[str, Any]) -> None:
    """All out-of-fold rows in one table, and every patient's mask in one folder.

    A patient whom two folds leave out has rows of both; the mask is the first fold's.
    """
    for fold in folds:
        with only_one(fold.folder):
            if score_postprocessed(fold.folder, plain, again=True):
                write_report(fold.folder)
    _join(folder, [(fold, fold.folder) for fold in folds])
    write_official(folder)
    processed = [(fold, fold.folder / POSTPROCESSED) for fold in folds]
    shutil.rmtree(folder / POSTPROCESSED, ignore_errors=True)
    if any((place / "cases.csv").is_file() for _, place in processed):
        # a fold whose tuning chose no post-processing goes in as its network has it
        _join(folder / POSTPROCESSED, [(f, p if (p / "cases.csv").is_file() else f.folder) for f, p in processed])


def _join(target: Path, sources: Sequence[tuple[Fold, Path]]) -> None:
    tables: list[pd.DataFrame] = []
    for fold, source in reversed(sources):
        tables.insert(0, read_scores(source / "cases.csv").assign(fold=str(fold.name)))
        (target / "predictions").mkdir(parents=True, exist_ok=True)
        for mask in sorted((source / "predictions").glob("*.nii.gz")):
            shutil.copy2(mask, target / "predictions" / mask.name)
    with atomic_path(target / "cases.csv") as temporary:
        pd.concat(tables).to_csv(temporary, index=False)


def outline_test_patients(data: CaseDataModule, plain: dict[str, Any], folder: Path, folds: Sequence[Fold]) -> None:
    """The mean of all folds on the data set's own test patients, unless they were outlined by the same before."""
    assert data.cohort is not None
    cases = [case for case in data.cohort.cases if case.part == "test"]
    if not cases:
        return
    chain, target = chosen_chain(folder, plain), folder / "test"
    stamp = {
        "data": data.cohort.key,
        "folds": {fold.folder.name: read_manifest(fold.folder)["started"] for fold in folds},
        "chain": [[name, step] for name, step in chain.to_dict().items()],
    }
    if (target / STAMP).is_file() and json.loads((target / STAMP).read_text()) == stamp:
        return
    shutil.rmtree(target, ignore_errors=True)
    checkpoints = [load_checkpoint(best_checkpoint(fold.folder), plain["trust"]) for fold in folds]
    predictor = Predictor(checkpoints, postprocess=chain, **hardware_of(plain["trainer"]))
    name = f"cv/{folder.name}"
    looks = record_look(Path(plain["paths"]["runs"]), name, data.name, "test patients", data.cohort.key)
    folders = {target: Postprocess()} | ({target / POSTPROCESSED: chain} if chain else {})
    score_cases(predictor, cases, folders, plain["seed"])
    if (target / "cases.csv").is_file():
        write_official(target)
    write_manifest(folder, test_looks=looks)
    write_json(target / STAMP, stamp)
