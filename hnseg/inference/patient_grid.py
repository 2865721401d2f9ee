"""Back to the patient: probabilities on a prepared grid become a mask on the image that the user gave.

Probabilities are interpolated, not labels: the outline then runs between voxels as the network had it, instead of along
the steps of the prepared grid.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hnseg.geometry import resample
from hnseg.labels import LabelSet
from hnseg.types import Grid, Volume

SLAB_SLICES = 32
"""Slices of the patient's image that are decoded at a time; a whole-body scan has hundreds, each of 1 MB a channel."""

Part = tuple[tuple[int, int, int], tuple[int, int, int]]


def to_patient_grid(
    probabilities: Tensor, grid: Grid, image_grid: Grid, labels: LabelSet, threshold: float = 0.5
) -> Volume:
    """The label map that probabilities mean, on the patient's own image grid.

    Equal to interpolating all channels and then `LabelSet.decode`, with one channel of a slab of the image in memory at
    a time. Only the part of the image that ``grid`` covers is computed; the rest is background.

    Args:
        probabilities: (channels, Z, Y, X) on ``grid``.
        grid: of the prepared image.
        image_grid: of the patient's image.
        labels: what the channels stand for.
        threshold: with sigmoid, a structure is where its probability is above this (strictly).

    Returns:
        uint8 label map on ``image_grid``.
    """
    mask = np.zeros(image_grid.shape_zyx, np.uint8)
    probabilities = probabilities.float().cpu()
    for part in _slabs(covered_part(grid, image_grid)):
        # with softmax the background, channel 0, is what a structure has to beat
        channels = _interpolated(probabilities, grid, image_grid.crop(*part))
        best = next(channels) if labels.activation == "softmax" else np.full(part[1], threshold, np.float32)
        inside = mask[_slices(part)]
        for value, channel in enumerate(channels, start=1):
            inside[channel > best] = value
            np.maximum(best, channel, out=best)
    return Volume(mask, image_grid)


def probabilities_on_patient_grid(
    probabilities: Tensor, grid: Grid, image_grid: Grid, labels: LabelSet
) -> dict[str, Volume]:
    """Each structure's probability, float32, on the patient's image grid; 0 where the prepared grid does not reach."""
    structures = labels.structures(probabilities[None].float().cpu())[0]
    volumes = {name: Volume(np.zeros(image_grid.shape_zyx, np.float32), image_grid) for name in labels.names}
    part = covered_part(grid, image_grid)
    if part is not None:
        for name, channel in zip(labels.names, _interpolated(structures, grid, image_grid.crop(*part)), strict=True):
            volumes[name].array[_slices(part)] = channel
    return volumes


def covered_part(grid: Grid, image_grid: Grid) -> Part | None:
    """Start and shape of the smallest block of ``image_grid`` with all of its voxels inside ``grid``, or None."""
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in grid.shape_zyx], indexing="ij")).reshape(3, -1).T
    index = image_grid.to_index_zyx(grid.to_lps_mm(corners))
    low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(index.max(axis=0) + 1e-6) + 1, image_grid.shape_zyx).astype(int)
    if np.any(high <= low):
        return None
    start, shape = low.tolist(), (high - low).tolist()
    return (start[0], start[1], start[2]), (shape[0], shape[1], shape[2])


def _interpolated(probabilities: Tensor, grid: Grid, target: Grid) -> Iterator[NDArray[np.float32]]:
    for channel in probabilities:
        yield resample(Volume(channel.numpy(), grid), target, "linear", 0.0).array


def _slabs(part: Part | None) -> Iterator[Part]:
    """``part`` cut along the first axis."""
    if part is None:
        return
    (z, y, x), (depth, height, width) = part
    for first in range(z, z + depth, SLAB_SLICES):
        yield (first, y, x), (min(SLAB_SLICES, z + depth - first), height, width)


def _slices(part: Part) -> tuple[slice, ...]:
    return tuple(slice(start, start + size) for start, size in zip(*part, strict=True))
