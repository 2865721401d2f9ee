"""Every slice of the test patients scored for itself: what the tables of Rainio et al. 2024 are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from hnseg.evaluate.slice_dice import dice_by_slice
from hnseg.inference import Predictor
from hnseg.io import atomic_path, write_rows
from hnseg.postprocess import keep_clicked
from hnseg.prepare import Case
from hnseg.report import read_manifest
from hnseg.run.slice_clicks import clicks_in_slice, component_clicks, kept_slices, same_size, shown_clicks

SLICES, EMPTY_SLICES, PICTURES = "slices.csv", "empty_slices.csv", "slices.npz"
FILTERS: tuple[Literal["centre", "random"], ...] = ("centre", "random")
COLUMNS = ("case", "slice", "pixels", "predicted_pixels", "dice")
EMPTY_COLUMNS = ("case", "slice", "predicted_pixels", "predicted_ml", "phantom")


@dataclass
class _Found:
    """What is written: a row a slice that counts, with its pictures, and a row a slice without any structure."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    empty: list[dict[str, Any]] = field(default_factory=list)
    images: list[NDArray[Any]] = field(default_factory=list)
    truths: list[NDArray[Any]] = field(default_factory=list)
    predictions: list[NDArray[Any]] = field(default_factory=list)


def write_slice_scores(run_folder: Path, cases: Sequence[Case], predictor: Predictor, least_pixels: int = 6) -> None:
    """Write ``slices.csv``, ``empty_slices.csv`` and ``slices.npz`` of a run, each whole or not at all.

    ``slices.csv``: a row for every slice that has ``least_pixels`` of a structure (Rainio et al. 2024 section 2.2),
    scored as :func:`hnseg.evaluate.slice_dice.dice_by_slice` has it, all structures together. For a network that takes
    no clicks ``dice_filtered_centre`` and ``dice_filtered_random`` are those of its answer after
    :func:`hnseg.postprocess.keep_clicked` with one click a component: their CNNcm and CNNrand.
    ``empty_slices.csv``: a row for every slice without any positive pixel, and what is outlined there. Slices with
    fewer pixels than ``least_pixels`` are in neither table.
    ``slices.npz``: ``case``, ``slice``, ``image`` (the first modality, float16), ``truth`` and ``prediction`` (uint8)
    of the slices in ``slices.csv``, in its order.

    Args:
        run_folder: of a `train` run; its manifest has the seed of the clicks.
        cases: test patients, all with slices of one size.
        predictor: of the run's network, which is shown what `shown_clicks` says; its post-processing is left out.
        least_pixels: see above.
    """
    seed, found = int(read_manifest(run_folder)["seed"]), _Found()
    for case in track(cases, description="score slices"):
        if case.label is not None:
            _score(case, predictor, seed, least_pixels, found)
    filtered = (
        () if predictor.click_channels[0].channels else tuple(f"dice_filtered_{simulate}" for simulate in FILTERS)
    )
    write_rows(run_folder / SLICES, found.rows, (*COLUMNS, *filtered, "phantom"))
    write_rows(run_folder / EMPTY_SLICES, found.empty, EMPTY_COLUMNS)
    with atomic_path(run_folder / PICTURES) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            case=np.array([row["case"] for row in found.rows], str),
            slice=np.array([row["slice"] for row in found.rows], np.int64),
            image=_together(found.images, np.float16),
            truth=_together(found.truths, np.uint8),
            prediction=_together(found.predictions, np.uint8),
        )


def _score(case: Case, predictor: Predictor, seed: int, least_pixels: int, found: _Found) -> None:
    image, truth = case.crop((0, 0, 0), case.grid.shape_zyx)
    clicks = shown_clicks(case, predictor.click_channels[0], "test", seed)
    probabilities = predictor.predict_prepared(torch.from_numpy(image), clicks=clicks)
    prediction = predictor.labels.decode(probabilities[None], predictor.threshold)[0].numpy()
    kept, predicted = kept_slices(truth, least_pixels), np.count_nonzero(prediction, axis=(1, 2))
    scores = {"dice": dice_by_slice(prediction[kept] > 0, truth[kept] > 0)}
    if not predictor.click_channels[0].channels:
        scores |= {f"dice_filtered_{how}": _filtered(case, prediction, truth, kept, how, seed) for how in FILTERS}
    for place, z in enumerate(kept.tolist()):
        counts = {"pixels": int(np.count_nonzero(truth[z])), "predicted_pixels": int(predicted[z])}
        dice = {name: float(values[place]) for name, values in scores.items()}
        found.rows.append({"case": case.case_id, "slice": z, **counts, **dice, "phantom": case.phantom})
    found.images.append(image[0, kept])
    found.truths.append(truth[kept])
    found.predictions.append(prediction[kept])
    pixel_ml = case.grid.voxel_volume_mm3 / 1000
    for z in np.flatnonzero(~truth.any(axis=(1, 2))).tolist():
        outlined = {"predicted_pixels": int(predicted[z]), "predicted_ml": float(predicted[z] * pixel_ml)}
        found.empty.append({"case": case.case_id, "slice": z, **outlined, "phantom": case.phantom})


def _filtered(
    case: Case,
    prediction: NDArray[np.uint8],
    truth: NDArray[np.uint8],
    kept: NDArray[np.int64],
    simulate: Literal["centre", "random"],
    seed: int,
) -> NDArray[np.float64]:
    """Dice of the slices ``kept`` when components without a click are taken away, each slice for itself."""
    clicks = component_clicks(case, simulate, seed)
    cleaned = [keep_clicked(prediction[z] > 0, clicks_in_slice(clicks, z)) for z in kept.tolist()]
    return dice_by_slice(np.array(cleaned, bool).reshape(truth[kept].shape), truth[kept] > 0)


def _together(pictures: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """(n, Y, X) from those of each patient."""
    return np.concatenate(same_size(pictures)).astype(dtype) if pictures else np.zeros((0, 0, 0), dtype)
