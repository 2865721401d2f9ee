"""A threshold chosen on the training slices once the network is trained, and carried by its checkpoint from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from hnseg.evaluate.threshold import choose_threshold
from hnseg.inference import Predictor
from hnseg.inference.rewrite import rewrite_threshold
from hnseg.labels import LabelSet
from hnseg.prepare import Case
from hnseg.report import write_manifest
from hnseg.run.score import best_checkpoint, run_predictor
from hnseg.run.slice_clicks import clicks_among, kept_slices, same_size, shown_clicks

TUNED = "tuned"
"""What `threshold` is where it is to be chosen."""


def refuse_untunable(labels: LabelSet) -> None:
    """Say before training that no threshold can be chosen after it.

    Raises:
        ValueError: the network outlines several structures, or has no threshold.
    """
    if labels.activation == "softmax" or len(labels.names) > 1:
        raise ValueError(
            f"threshold={TUNED} is for a network of one structure whose output is compared with a threshold; this one "
            f"has {', '.join(labels.names)} with {labels.activation}. Give a number, such as threshold=0.5"
        )


def tune_threshold(run_folder: Path, cases: Sequence[Case], plain: Mapping[str, Any], least_pixels: int) -> float:
    """Choose the threshold of a run's best checkpoint, write it there and into the manifest, and return it.

    It has the highest median Dice of the training slices, see :func:`hnseg.evaluate.threshold.choose_threshold`. With
    them the network is shown clicks as validation is, that is as in training.

    Args:
        run_folder: of a `train` run whose training is finished.
        cases: the patients that it trained on (with those of validation, for the authors' way).
        plain: the run's configuration.
        least_pixels: a slice counts if so many pixels of it are of the structure.

    Raises:
        ValueError: no slice counts, or the network's answer is not finite.
    """
    predictor = run_predictor(run_folder, plain)
    refuse_untunable(predictor.labels)
    scores: list[NDArray[np.float32]] = []
    truth: list[NDArray[np.bool_]] = []
    for case in track(cases, description="choose threshold"):
        if case.label is not None and len(kept := kept_slices(case.label, least_pixels)):
            scores.append(_scores(predictor, case, kept, plain["seed"]))
            truth.append(case.label[kept] > 0)
    if not scores:
        raise ValueError(
            f"{run_folder.name}: no training slice has {least_pixels} pixels of a structure, so that no threshold can "
            "be chosen; give a number, such as threshold=0.5"
        )
    chosen = choose_threshold(*_stacked(scores, truth))
    rewrite_threshold(best_checkpoint(run_folder), chosen.value)
    write_manifest(run_folder, threshold=chosen.value, threshold_median_dice=chosen.median_dice)
    print(f"threshold {chosen.value:.2f}: median Dice of {sum(map(len, scores))} slices {chosen.median_dice:.3f}")
    return chosen.value


def _scores(predictor: Predictor, case: Case, kept: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """(slices, Y, X): the network's answer in the slices that count; a 2-D network is shown no others."""
    clicks = shown_clicks(case, predictor.click_channels[0], "val", seed)
    image = torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0])
    if predictor.groups[0].runners[0].flat:
        return predictor.predict_prepared(image[:, kept], clicks=clicks_among(clicks, kept))[0].numpy()
    return predictor.predict_prepared(image, clicks=clicks)[0].numpy()[kept]


def _stacked(
    scores: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.bool_]]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """All slices in one array; those of smaller images end in background, which changes no Dice."""
    return np.concatenate(same_size(scores, fill=-1.0)), np.concatenate(same_size(truth))
