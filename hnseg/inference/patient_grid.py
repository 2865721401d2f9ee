"""Back to the patient: probabilities on a prepared grid become a mask on the image that the user gave.

Probabilities are interpolated, not labels: the outline then runs between voxels as the network had it, instead of along
the steps of the prepared grid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.geometry import resample
from hnseg.inference.parts import SLAB_SLICES, as_slices, covered_part, cut_into_slabs, needed_slices, start_on
from hnseg.labels import LabelSet
from hnseg.types import Grid, Volume


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
    for part in cut_into_slabs(covered_part(grid, image_grid)):
        decode(interpolated(probabilities, grid, image_grid.crop(*part)), mask[as_slices(part)], labels, threshold)
    return Volume(mask, image_grid)


def slabs_to_patient_grid(
    slabs: Iterable[Tensor], grid: Grid, image_grid: Grid, labels: LabelSet, threshold: float = 0.5
) -> Volume:
    """The same label map from probabilities that come a slab at a time and are never in memory all at once.

    A slab of the patient's image is decoded as soon as the slices of the prepared grid that it reaches are there. What
    no later one reaches is let go, so that of an image whose slices run like those of the prepared grid a few slices
    are held, and more of one that lies askew.

    Args:
        slabs: (channels, slices, Y, X), from the first slice of ``grid`` to the last; each is used before the next one
            is asked for, so they may share their memory.
        grid, image_grid, labels, threshold: as of `to_patient_grid`.
    """
    mask = np.zeros(image_grid.shape_zyx, np.uint8)
    parts = cut_into_slabs(covered_part(grid, image_grid))
    waiting = sorted(((needed_slices(grid, image_grid.crop(*part)), part) for part in parts), key=lambda w: w[0].stop)
    held, first = torch.empty((labels.channels, 0, *grid.shape_zyx[1:])), 0
    for piece in _pieces(slabs):
        held = torch.cat([held, piece], dim=1)
        known = grid.crop((first, 0, 0), (held.shape[1], *grid.shape_zyx[1:]))
        while waiting and waiting[0][0].stop <= first + held.shape[1]:
            _, part = waiting.pop(0)
            decode(interpolated(held, known, image_grid.crop(*part)), mask[as_slices(part)], labels, threshold)
        low = min((needed.start for needed, _ in waiting), default=first + held.shape[1])
        gone = min(max(low - first, 0), held.shape[1])
        held, first = held[:, gone:], first + gone
    assert not waiting, f"slabs of {first + held.shape[1]} slices for a grid of {grid.shape_zyx}"
    return Volume(mask, image_grid)


def decode_again(
    mask: Volume, probabilities: Tensor, grid: Grid, slices: Collection[int], labels: LabelSet, threshold: float = 0.5
) -> None:
    """Make ``mask`` what `to_patient_grid` gives, where it was that and these slices of ``grid`` have changed since.

    Only slabs of the mask that the slices reach are computed. The mask is changed in place.
    """
    probabilities = probabilities.float().cpu()
    for part in cut_into_slabs(covered_part(grid, mask.grid)):
        target = mask.grid.crop(*part)
        needed = needed_slices(grid, target)
        if any(needed.start <= z < needed.stop for z in slices):
            inside = mask.array[as_slices(part)]
            inside[...] = 0
            decode(interpolated(probabilities, grid, target), inside, labels, threshold)


def probabilities_on_patient_grid(
    probabilities: Tensor, grid: Grid, image_grid: Grid, labels: LabelSet
) -> dict[str, Volume]:
    """Each structure's probability, float32, on the patient's image grid; 0 where the prepared grid does not reach."""
    structures = labels.structures(probabilities[None].float().cpu())[0]
    volumes = {name: Volume(np.zeros(image_grid.shape_zyx, np.float32), image_grid) for name in labels.names}
    part = covered_part(grid, image_grid)
    if part is not None:
        for name, channel in zip(labels.names, interpolated(structures, grid, image_grid.crop(*part)), strict=True):
            volumes[name].array[as_slices(part)] = channel
    return volumes


def interpolated(probabilities: Tensor, grid: Grid, target: Grid) -> Iterator[NDArray[np.float32]]:
    """Each channel of probabilities (channels, Z, Y, X) on ``target``, 0 outside ``grid``; to be read only.

    Where the voxels of ``target`` are voxels of ``grid`` nothing is computed: interpolation would give those values.
    """
    start = start_on(grid, target)
    inside = None if start is None else as_slices((start, target.shape_zyx))
    for channel in probabilities:
        if inside is not None:
            yield channel.numpy()[inside]
        else:
            yield resample(Volume(channel.numpy(), grid), target, "linear", 0.0).array


def decode(
    channels: Iterator[NDArray[np.float32]], mask: NDArray[np.uint8], labels: LabelSet, threshold: float
) -> None:
    """`LabelSet.decode` of probabilities that come a channel at a time, written into ``mask``, which is 0."""
    # with softmax the background, channel 0, is what a structure has to beat
    best = next(channels).copy() if labels.activation == "softmax" else np.full(mask.shape, threshold, np.float32)
    for value, channel in enumerate(channels, start=1):
        mask[channel > best] = value
        np.maximum(best, channel, out=best)


def _pieces(slabs: Iterable[Tensor]) -> Iterator[Tensor]:
    """Slabs in pieces that are small beside what is done with them."""
    for slab in slabs:
        for piece in torch.split(slab, SLAB_SLICES, dim=1):
            yield piece.float().cpu()
