"""Generalised Dice loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked, probabilities


class GeneralisedDice(nn.Module):
    """``1 - (2 sum_c w_c sum(p g) + s) / (sum_c w_c sum(p + g) + s)`` with ``w = 1 / sum(g)^2``; mean over the batch.

    Sudre et al. 2017, arXiv:1707.03237, section 2: each channel counts the same, whatever its volume. Departures: a
    structure that a sample lacks, whose weight would be infinite, gets the largest weight of those present, or 1 where
    none is; the weights of a sample are divided by their largest, so that ``smooth`` is measured in voxels of its
    smallest structure and not lost or overwhelming; samples without a counting channel are left out of the mean. With
    one channel it is Dice with plain sums.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Activation, smooth: float = 1.0) -> None:
        super().__init__()
        check_activation(activation)
        self.activation, self.smooth = activation, smooth

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        p = where_counting(probabilities(logits, self.activation), counts)
        weights = balance(g.flatten(2).sum(dim=2))
        overlap = (weights * (p * g).flatten(2).sum(dim=2)).sum(dim=1)
        size = (weights * (p + g).flatten(2).sum(dim=2)).sum(dim=1)
        return counting_mean(1 - (2 * overlap + self.smooth) / (size + self.smooth), counts.any(dim=1))


def balance(volumes: Tensor) -> Tensor:
    """Weights (B, C) of structures with so many voxels (B, C): 1 of the smallest present, and of those not there."""
    present = volumes > 0
    smallest = torch.where(present, volumes, torch.inf).amin(dim=1, keepdim=True)
    return torch.where(present, smallest / volumes, 1).square()
