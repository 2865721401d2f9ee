"""Held-out patients after post-processing: scored from checkpoints, with nothing trained again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from rich.progress import track

from hnseg.evaluate import evaluate_case, official_scores
from hnseg.inference import Predictor, load_checkpoint, outline
from hnseg.inference.chains import TUNED, same_chain, tuned_chain
from hnseg.inference.rewrite import rewrite_postprocess
from hnseg.io import atomic_path, read_rows, write_json, write_rows, write_volume
from hnseg.postprocess import Postprocess, Scene
from hnseg.prepare import Case
from hnseg.report import read_manifest

POSTPROCESSED = "postprocessed"


def score_cases(predictor: Predictor, cases: Sequence[Case], folders: Mapping[Path, Postprocess]) -> None:
    """Outline each case once and write ``predictions/`` and ``cases.csv`` into every folder, after its own chain.

    Masks lie on the patients' own grids, scores are in mm there. Patients without a truth get a mask and no row.

    Args:
        predictor: the network, or an ensemble of them.
        cases: prepared patients.
        folders: where to write, and what post-processing comes before.
    """
    rows: dict[Path, list[dict[str, Any]]] = {folder: [] for folder in folders}
    for case in track(cases, description="outline and score"):
        image = torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0])
        probabilities = predictor.predict_prepared(image)
        scene, truth = Scene(image, case.modalities, case.grid.spacing_mm), case.truth()
        for folder, chain in folders.items():
            mask = outline(
                probabilities, scene, case.grid, case.image_grid, predictor.labels, predictor.threshold, chain
            )
            write_volume(mask, folder / "predictions" / f"{case.case_id}.nii.gz")
            if truth is not None:
                names = predictor.labels.names
                found = evaluate_case(mask, truth, names, case.annotated, case_id=case.case_id, centre=case.centre)
                rows[folder] += [{**row, "phantom": case.phantom} for row in found]
    for folder, found in rows.items():
        if found:
            write_rows(folder / "cases.csv", found)


def score_postprocessed(run: Path, configured: Mapping[str, Any], device: str, trust: Sequence[str] = ()) -> bool:
    """Bring ``postprocessed/`` of a run up to date with its chain; False where there was nothing to do.

    The chain is what tuning left in ``postprocess.yaml``, else the configured one. Its test patients are outlined by
    the run's own best checkpoint, which carries the chain from then on.
    """
    tuned = tuned_chain(run)
    chain = Postprocess.from_dict(configured, "the configuration") if tuned is None else tuned
    folder = run / POSTPROCESSED
    used = tuned_chain(folder) or Postprocess()  # where it is not tuning's, the file says what the masks went through
    if same_chain(used, chain) or not (run / "cases.csv").is_file():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint = best_checkpoint(run)
    rewrite_postprocess(checkpoint, chain)
    if not chain:
        return True
    prepared = read_manifest(run)["cases"]
    tested = sorted({row["case"] for row in read_rows(run / "cases.csv", required=("case",))})
    predictor = Predictor([load_checkpoint(checkpoint, trust)], device=device)
    score_cases(predictor, [Case.open(Path(prepared[case_id])) for case_id in tested], {folder: chain})
    write_chain(folder, chain)
    return True


def write_chain(folder: Path, chain: Postprocess) -> None:
    """Note in a folder what post-processing its masks went through."""
    with atomic_path(folder / TUNED) as temporary:
        temporary.write_text(yaml.safe_dump(chain.to_dict(), sort_keys=False))


def best_checkpoint(run: Path) -> Path:
    """``best.ckpt`` of a run, or ``last.ckpt`` where nothing was ever best."""
    best = run / "checkpoints" / "best.ckpt"
    return best if best.is_file() else best.with_name("last.ckpt")


def write_official(folder: Path) -> None:
    """``official.json`` beside a ``cases.csv``: what the challenges' organisers would make of these rows.

    They score every patient once: where several folds tested one patient there is nothing to write.
    """
    rows = pd.read_csv(folder / "cases.csv", dtype={"case": str, "structure": str})
    if rows.duplicated(["case", "structure"]).any():
        return
    scores = official_scores(rows, sorted(set(rows["case"])))
    scores["phantom"] = bool(rows["phantom"].any())
    write_json(folder / "official.json", scores)


def available_device() -> str:
    """Where networks are to run when nobody says."""
    return "cuda" if torch.cuda.is_available() else "cpu"
