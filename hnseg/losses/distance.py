"""Exact Euclidean distances on the device where the tensors are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def signed_distance(mask: Tensor, spacing: Sequence[float]) -> Tensor:
    """How far each voxel's centre is from the nearest one on the other side, negative inside the mask.

    float32, because distances in a mask's own uint8 lose their fractions and turn -1 into 255. In torch and not by
    scipy, because a step on a GPU should not wait for a transform on the CPU.

    Args:
        mask: (K, *s) bool, K masks.
        spacing: size of a voxel along each of the axes s.

    Returns:
        (K, *s) in the spacing's unit; 0 all over a mask that is empty or full, for there is no other side.
    """
    outside, inside = _squared_distance(mask, spacing), _squared_distance(~mask, spacing)
    return (outside.sqrt() - inside.sqrt()).masked_fill((outside + inside).isinf(), 0)


def _squared_distance(mask: Tensor, spacing: Sequence[float]) -> Tensor:
    """(K, *s) float32: squared distance to the nearest voxel of each mask, 0 in it; inf where the mask is empty.

    Axis by axis (Felzenszwalb, Huttenlocher 2012, doi:10.4086/toc.2012.v008a019), each minimum taken over all
    shifts that can still lower one.
    """
    squared = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, math.inf)
    searched = mask.flatten(1).any(dim=1)
    for axis, size in enumerate(spacing, start=1):
        squared[searched] = _lowered(squared[searched], axis, size)
    return squared


def _lowered(squared: Tensor, axis: int, size: float) -> Tensor:
    """Each value as the least along ``axis`` of a value and the squared way from there."""
    length, lowest = squared.shape[axis], squared.clone()
    for shift in range(1, length):
        way = (shift * size) ** 2
        if squared.numel() == 0 or way >= lowest.max():
            break
        for start, other in ((0, shift), (shift, 0)):
            here = lowest.narrow(axis, start, length - shift)
            torch.minimum(here, squared.narrow(axis, other, length - shift) + way, out=here)
    return lowest
