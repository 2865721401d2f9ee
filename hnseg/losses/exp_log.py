"""Exponential logarithmic loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hnseg.labels import Activation, where_counting
from hnseg.losses.activation import checked, power, probabilities, rivals
from hnseg.losses.class_weights import ClassWeighted, Weights
from hnseg.losses.cross_entropy import checked_weights, spread_weights


class ExpLog(ClassWeighted):
    """``0.8 mean((-ln Dice)^gamma) + 0.2 mean(w (-ln p)^gamma)``: Dice of structures and cross-entropy of voxels.

    Wong et al. 2018, arXiv:1809.00076. Dice has plain sums and is taken of each sample and channel; p is
    the probability of the voxel's own class, of weight ``w = sqrt(all voxels / the class's voxels)``. With sigmoid
    every channel is a structure against the rest, two classes of its own. A voxel of a class that does not count is
    left out of the second term. Departures: voxels are counted in the batch, where the paper counts them in all
    training data (give those weights to have it so); below 1e-7 a power is a straight line, because a gamma below 1
    has an infinite slope at 0.

    The first term alone, with weights of classes and hardly any smoothing, is a loss that Zhu et al. 2018 (AnatomyNet)
    compare: ``sum f (-ln T)^0.3 / sum f``. Their T is smoothed by 1e-6 below the fraction only and kept within 1e-6 of
    0 and 1, so a structure that is not there passed no gradient; here its false positives do.

    Args:
        activation: sigmoid or softmax.
        gamma_dice, gamma_cross: below 1 they steepen what is nearly right.
        weight_dice, weight_cross: of the two terms.
        label_weights: w, one a channel; with sigmoid it is that of the structure's voxels, and that of the rest is 1.
            None: from the batch.
        smooth: added to both sides of Dice.
        dice_weights: of classes in the mean of the first term: one a channel, ``annotations`` or None (see
            :class:`ClassWeighted`).

    Raises:
        ValueError: a weight below 0, or at the call another number of weights than channels.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        gamma_dice: float = 0.3,
        gamma_cross: float = 0.3,
        weight_dice: float = 0.8,
        weight_cross: float = 0.2,
        label_weights: Sequence[float] | None = None,
        smooth: float = 1.0,
        dice_weights: Weights = None,
    ) -> None:
        super().__init__(activation, dice_weights)
        self.smooth = smooth
        self.gamma_dice, self.gamma_cross = gamma_dice, gamma_cross
        self.weight_dice, self.weight_cross = weight_dice, weight_cross
        self.label_weights = None if label_weights is None else checked_weights(label_weights)

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        dice = self.weighted_mean(power(self._log_dice(logits, g, counts), self.gamma_dice), counts)
        return self.weight_dice * dice + self.weight_cross * self._cross_entropy(logits, g, counts)

    def _log_dice(self, logits: Tensor, g: Tensor, counts: Tensor) -> Tensor:
        """-ln Dice (B, C), from the errors, because the logarithm of a fraction near 1 would round."""
        p = where_counting(probabilities(logits, self.activation), counts)
        errors = (p * (1 - g) + (1 - p) * g).flatten(2).sum(dim=2)
        return torch.log1p(errors / (2 * (p * g).flatten(2).sum(dim=2) + self.smooth))

    def _cross_entropy(self, logits: Tensor, g: Tensor, counts: Tensor) -> Tensor:
        truth, log_p = rivals(logits, g, counts, self.activation)
        voxels = truth.flatten(3).sum(dim=(0, 3))
        costs = (truth * power(-log_p, self.gamma_cross)).flatten(3).sum(dim=(0, 3))
        weights = self._weights(voxels)
        return (weights * costs).sum() / voxels.sum().clamp(min=torch.finfo(costs.dtype).eps)

    def _weights(self, voxels: Tensor) -> Tensor:
        """Weights (C, K) of classes with so many ``voxels`` (C, K)."""
        if self.label_weights is not None:
            return spread_weights(self.label_weights, voxels)
        everything = voxels.sum() if self.activation == "softmax" else voxels.sum(dim=1, keepdim=True)
        return torch.where(voxels > 0, everything / voxels, 0).sqrt()
