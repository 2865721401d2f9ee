"""Cross-entropy, plain and with weights of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hnseg.labels import Activation
from hnseg.losses.activation import check_activation, checked, rivals


class WeightedCrossEntropy(nn.Module):
    """Cross-entropy in which each class has a weight: ``-sum(w g ln p) / sum(w g)`` over all counting voxels.

    With softmax the channels are the classes, as in ``torch.nn.functional.cross_entropy`` with ``weight``. With
    sigmoid every channel is a structure against the rest, two classes of its own.

    A voxel of a class that does not count is left out, as with ``ignore_index``. So with softmax, where some
    structures are not annotated and the background therefore does not count, false positives cost nothing there; a
    loss with a term for them (Dice, BCE) is the better choice for such data.

    Args:
        activation: sigmoid or softmax.
        weights: one a channel; with sigmoid it is that of the structure's voxels, and that of the rest is 1. None:
            one over the class's voxels in the batch (King, Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868, who
            count in all data), so the loss is the mean over the classes present of each one's mean.

    Raises:
        ValueError: a weight below 0, or at the call another number of weights than channels.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Activation, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        check_activation(activation)
        self.activation = activation
        self.weights = None if weights is None else checked_weights(weights)

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        truth, log_p = rivals(logits, g, counts, self.activation)
        voxels = truth.flatten(3).sum(dim=(0, 3))
        costs = -(truth * log_p).flatten(3).sum(dim=(0, 3))
        weights = self._weights(voxels)
        return (weights * costs).sum() / (weights * voxels).sum().clamp(min=torch.finfo(costs.dtype).eps)

    def _weights(self, voxels: Tensor) -> Tensor:
        """Weights (C, K) of classes with so many ``voxels`` (C, K)."""
        if self.weights is not None:
            return spread_weights(self.weights, voxels)
        return torch.where(voxels > 0, 1 / voxels, 0)


class CrossEntropy(WeightedCrossEntropy):
    """Cross-entropy: with softmax ``-sum(g ln p) / sum(g)`` over the voxels whose class counts, with sigmoid BCE.

    The form of :class:`WeightedCrossEntropy` with equal weights; what it says of missing annotations holds here too.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Activation) -> None:
        super().__init__(activation)

    def _weights(self, voxels: Tensor) -> Tensor:
        return torch.ones_like(voxels)


def checked_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """Weights of channels as floats; ValueError where one is below 0."""
    plain = tuple(float(weight) for weight in weights)
    if not plain or min(plain) < 0:
        raise ValueError(f"weights are {list(plain)}; give one a channel, from 0 on")
    return plain


def spread_weights(weights: Sequence[float], classes: Tensor) -> Tensor:
    """Weights of channels as (C, K): of the structures, and 1 of the rest where there are two classes a channel.

    Raises:
        ValueError: another number of weights than channels.
    """
    if len(weights) != len(classes):
        raise ValueError(f"{len(weights)} weights are given for {len(classes)} channels; give one for each of them")
    spread = torch.ones_like(classes)
    spread[:, 0] = torch.tensor(weights, dtype=classes.dtype, device=classes.device)
    return spread
