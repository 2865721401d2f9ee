"""`predict`: checkpoints and a folder of patients to one mask a patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from hnseg.inference import Predictor, find_checkpoints, load_checkpoint, predict_folder
from hnseg.inference.runner import Precision
from hnseg.io import read_boxes
from hnseg.prepare import Findings
from hnseg.prepare.table import find_pairs


def main(config: DictConfig) -> int:
    """0; 1 where patients got no mask."""
    if config.threads:
        torch.set_num_threads(config.threads)
    named: Any = config.checkpoint
    if OmegaConf.is_list(named):
        named = OmegaConf.to_container(named)
    paths = find_checkpoints(named)
    trust = list(config.trust)
    predictor = Predictor(
        [load_checkpoint(path, trust) for path in paths],
        device=_device(config.device),
        precision=cast(Precision, str(config.precision)),
        tta=config.tta,
        mode=config.mode,
        batch_size=config.batch_size,
    )
    print(f"{len(paths)} checkpoint{'s' * (len(paths) > 1)}: {', '.join(map(str, paths))}")
    findings = _with_boxes(find_pairs(Path(config.input), predictor.recipe.modalities), config.boxes)
    result = predict_folder(
        predictor, findings.studies, Path(config.output), config.save_probabilities, config.continue_output
    )
    failures = (*findings.problems, *result.failures)
    counts = f"{len(result.written)} masks written, {len(result.kept)} kept, {len(failures)} patients failed"
    print(f"{counts}: {result.table}")
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures else 0


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _with_boxes(findings: Findings, csv: str | None) -> Findings:
    if csv is None:
        return findings
    boxes = read_boxes(Path(csv))
    studies = [replace(study, box=boxes.get(study.case_id, study.box)) for study in findings.studies]
    return Findings.of(studies, findings.problems)
