"""Weights of classes for the losses of AnatomyNet: none, given, or learned from how often each is annotated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean
from hnseg.losses.activation import check_activation
from hnseg.losses.cross_entropy import checked_weights
from hnseg.types import TrainingCounts

Weights = Sequence[float] | Literal["annotations"] | None


class ClassWeighted(nn.Module):
    """A loss whose classes have weights.

    Args:
        activation: sigmoid or softmax.
        weights: one a channel, with softmax the background's first; ``annotations``: those of
            :func:`annotation_weights`, which :meth:`learn` must be told of before the first batch; None: 1 of all.

    Raises:
        ValueError: a weight below 0; at the call weights not learned yet, or another number of them than channels.
    """

    def __init__(self, activation: Activation, weights: Weights = None) -> None:
        super().__init__()
        check_activation(activation)
        if isinstance(weights, str) and weights != "annotations":
            raise ValueError(f"weights {weights!r} is not known; use annotations, a list of one a channel, or null")
        self.activation, self._learns = activation, weights == "annotations"
        self.weights = checked_weights(weights) if not (weights is None or isinstance(weights, str)) else None

    def learn(self, counts: TrainingCounts) -> None:
        """Take the weights of these training patients, where they were asked for; the same patients give the same."""
        if self._learns:
            self.weights = annotation_weights(counts, self.activation)

    def flags(self, counts: Tensor, like: Tensor) -> Tensor:
        """(B, C) in the type of ``like``: a class's weight where it counts, 0 elsewhere."""
        if self._learns and self.weights is None:
            raise ValueError(
                f"{type(self).__name__} has weights=annotations, but nobody told it how often each structure is "
                "annotated; call learn(counts) with the training patients' counts before the first batch"
            )
        if self.weights is None:
            return counts.to(like)
        if len(self.weights) != counts.shape[1]:
            raise ValueError(
                f"{type(self).__name__}: {len(self.weights)} weights are given for {counts.shape[1]} channels; "
                "give one for each of them"
            )
        return counts.to(like) * torch.tensor(self.weights, dtype=like.dtype, device=like.device)

    def weighted_sum(self, losses: Tensor, counts: Tensor) -> Tensor:
        """Sum over classes of weight and loss, of losses (B, C); mean over the samples in which any has a say."""
        flags = self.flags(counts, losses)
        return counting_mean((flags * losses).sum(dim=1), (flags > 0).any(dim=1))

    def weighted_mean(self, losses: Tensor, counts: Tensor) -> Tensor:
        """Sum of weight and loss over the sum of weights, of the losses (B, C) of a batch; 0 where that is 0."""
        flags = self.flags(counts, losses)
        return (flags * losses).sum() / flags.sum().clamp(min=torch.finfo(losses.dtype).tiny)


def annotation_weights(counts: TrainingCounts, activation: Activation) -> tuple[float, ...]:
    """One over how many training patients each class is annotated in, times the number of the most annotated structure.

    Zhu et al. 2018, arXiv:1808.05238: their ten weights are these numbers of their 261 patients. The background, which
    softmax has, counts where all structures are annotated. 0 for what is annotated in nobody: it never counts.
    """
    most = max(counts.annotated)
    patients = counts.annotated if activation == "sigmoid" else (counts.complete, *counts.annotated)
    return tuple(most / number if number else 0.0 for number in patients)
