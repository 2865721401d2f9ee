"""Focal losses."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnseg.labels import Activation
from hnseg.losses.activation import check_activation, checked, log_probabilities, probabilities
from hnseg.losses.missing import Missing, check_missing, class_mean


class Focal(nn.Module):
    """Cross-entropy that a channel's well-classified voxels hardly enter; mean over all counting voxels.

    Lin et al. 2017, arXiv:1708.02002, eq. 4, for each channel by itself.

    * ``variant="code"`` (the authors' code of doi:10.1007/978-3-030-67194-5_4): structure and background terms,
      ``-(g (1-p)^gamma ln p + (1-g) p^gamma ln(1-p))``, with p clamped to [clamp, 1-clamp]; a voxel beyond the
      clamp has no gradient.
    * ``variant="paper"`` (eq. 6 there): the structure's term alone, not clamped. It has no gradient on
      background voxels, so it needs a Dice loss beside it. With softmax this is the form of Jain and Virtanen
      2020, ``-(1-p)^gamma ln p`` of each voxel's own class, mean over voxels, samples and classes.

    Args:
        activation: sigmoid or softmax.
        gamma: how soon a well-classified voxel falls out; 0 is cross-entropy.
        variant: see above.
        clamp: see above; of ``variant="code"`` alone.
        missing: the rule of :func:`hnseg.losses.missing.class_mean`.

    Raises:
        ValueError: a clamp that is not between 0 and 0.5.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        gamma: float = 2.0,
        variant: Literal["paper", "code"] = "code",
        clamp: float = 1e-3,
        missing: Missing = "mean",
    ) -> None:
        super().__init__()
        check_activation(activation)
        check_missing(missing)
        if variant not in ("paper", "code"):
            raise ValueError(f"focal variant {variant!r} is not known; use paper (one-sided) or code (two-sided)")
        if not 0 < clamp < 0.5:
            raise ValueError(f"clamp is {clamp}; it bounds probabilities from both sides, so use one between 0 and 0.5")
        self.activation, self.gamma, self.variant, self.clamp = activation, gamma, variant, clamp
        self.missing = missing

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        losses = self._one_sided(logits, g) if self.variant == "paper" else self._two_sided(logits, g)
        return class_mean(losses, counts, self.missing)

    def _one_sided(self, logits: Tensor, g: Tensor) -> Tensor:
        log_p = log_probabilities(logits, self.activation)
        return -g * (1 - log_p.exp()) ** self.gamma * log_p

    def _two_sided(self, logits: Tensor, g: Tensor) -> Tensor:
        p = probabilities(logits, self.activation).clamp(self.clamp, 1 - self.clamp)
        return -(g * (1 - p) ** self.gamma * p.log() + (1 - g) * p**self.gamma * (1 - p).log())
