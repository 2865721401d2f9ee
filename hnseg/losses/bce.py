"""Binary cross-entropy."""

from __future__ import annotations

from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean
from hnseg.losses.activation import check_activation, checked, log_complements, log_probabilities


class BCE(nn.Module):
    """``-(g ln p + (1 - g) ln(1 - p))`` of each channel by itself; mean over all counting voxels.

    From logits, so it is exact and has a gradient where p rounds to 0 or 1. With softmax each channel is one against
    the rest.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        check_activation(activation)
        self.activation = activation

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        inside, outside = log_probabilities(logits, self.activation), log_complements(logits, self.activation)
        return counting_mean(-(g * inside + (1 - g) * outside), counts)
