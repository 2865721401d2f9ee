"""Binary cross-entropy of an output that is taken for a probability without being one."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnseg.labels import counting_mean
from hnseg.losses.activation import checked

EPSILON = 1e-7
"""Keras' backend.epsilon()."""


class KerasBCE(nn.Module):
    """``-(g ln(p + e) + (1 - g) ln(1 - p + e))`` of the output clipped to p in [e, 1 - e], e = 1e-7; its mean.

    The mean is over all counting voxels. It is what Keras 2.7 computes where a network that ends in a linear layer is
    trained with ``binary_crossentropy``, as in Rainio et al. 2024, section 2.3. An output outside [e, 1 - e] has no
    gradient at all: where it is wrong it stays wrong unless other voxels move it. The entropy of a sigmoid layer Keras
    computes from its logits: for that take :class:`hnseg.losses.BCE`.

    Args:
        activation: identity, as the label set must have it.

    Raises:
        ValueError: another activation.

    Forward: output (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Literal["identity"]) -> None:
        super().__init__()
        if activation != "identity":
            raise ValueError(
                f"KerasBCE takes the output itself for a probability, so its activation is identity, not "
                f"{activation!r}; set data.activation=identity, or take loss=bce, which is of logits"
            )
        self.activation = activation

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        output, g = checked(logits, target, counts)
        p = output.clamp(EPSILON, 1 - EPSILON)
        return counting_mean(-(g * (p + EPSILON).log() + (1 - g) * (1 - p + EPSILON).log()), counts)
