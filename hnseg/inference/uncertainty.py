"""How much the networks of an ensemble disagree about a patient, in a number a structure."""

from __future__ import annotations

import torch
from torch import Tensor

from hnseg.labels import LabelSet


def uncertainty(mean: Tensor, sd: Tensor, labels: LabelSet, threshold: float = 0.5) -> dict[str, float | None]:
    """Mean over a structure's outlined voxels of the standard deviation between the networks.

    In units of probability, from 0 (all networks say the same there) to 0.5 (half of them say 0, the others 1). The
    voxels are those of the prepared grid, each of which counts alike, where the networks' mean outlines the structure:
    before any post-processing, because it is a statement about the networks. Where the mean outlines nothing there is
    nothing to be uncertain of: a tumour that only some networks see, and that the mean misses, does not show here.

    Args:
        mean: (channels, Z, Y, X) probabilities.
        sd: (channels, Z, Y, X) standard deviations, see `Ensemble.mean_and_sd`.
        labels: what the channels stand for.
        threshold: with sigmoid, a structure is where its mean is above this (strictly).

    Returns:
        Structure name to that number, None where nothing of it was outlined.
    """
    outlined = labels.decode(mean[None], threshold)[0]
    structures = labels.structures(sd[None])[0]
    return {
        name: _mean(deviation[outlined == value])
        for value, (name, deviation) in enumerate(zip(labels.names, structures, strict=True), start=1)
    }


def _mean(values: Tensor) -> float | None:
    return float(values.mean(dtype=torch.float64)) if values.numel() else None
