"""The voxel losses of AnatomyNet: focal loss and cross-entropy of classes, weighed and added up."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hnseg.labels import Activation
from hnseg.losses.activation import checked, log_probabilities
from hnseg.losses.class_weights import ClassWeighted, Weights


class ClassFocal(ClassWeighted):
    """``-sum_c f_c mean(g (1 - p)^gamma ln p)``, the mean over all voxels of a sample; mean over samples.

    Zhu et al. 2018 (AnatomyNet), arXiv:1808.05238, doi:10.1002/mp.13300, with ``f`` a class's weight where it counts;
    their total is Dice (:class:`ClassTversky`) and half of this. One-sided: only a structure's own voxels enter. As in
    their code p is at least ``clamp`` within the logarithm.

    Args:
        activation: sigmoid or softmax.
        gamma: how soon a well-classified voxel falls out.
        clamp: see above.
        weights: one a channel, ``annotations`` or None (see :class:`ClassWeighted`).

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self, activation: Activation, gamma: float = 2.0, clamp: float = 1e-6, weights: Weights = None
    ) -> None:
        super().__init__(activation, weights)
        self.gamma, self.clamp = gamma, clamp

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        log_p = log_probabilities(logits, self.activation)
        costs = -g * (1 - log_p.exp()) ** self.gamma * log_p.clamp(min=math.log(self.clamp))
        return self.weighted_sum(costs.flatten(2).mean(dim=2), counts)


class ClassCrossEntropy(ClassWeighted):
    """``-(1 / C) sum_c f_c sum(g ln p) / sum(g)`` over the C channels: each class the mean over its own voxels.

    The cross-entropy that Zhu et al. 2018 (AnatomyNet) add to Dice, a tenth of it, in the form of their code: the sum
    over classes is divided by the number of all channels, ten, however many count. A class that a sample lacks adds 0.
    Departure: logarithms come from logits and need no clamp, which was 1e-6 and without a gradient below it.

    Args:
        activation: sigmoid or softmax.
        weights: one a channel, ``annotations`` or None (see :class:`ClassWeighted`).

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        costs = -(g * log_probabilities(logits, self.activation)).flatten(2).sum(dim=2)
        voxels = g.flatten(2).sum(dim=2)
        means = costs / torch.where(voxels > 0, voxels, 1)
        return self.weighted_sum(means, counts) / counts.shape[1]
