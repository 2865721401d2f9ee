"""Combo loss."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked, log_complements, log_probabilities, probabilities


class Combo(nn.Module):
    """``alpha * cross-entropy - (1 - alpha) * Dice``: least at ``alpha - 1``, so below 0.

    Taghanaki et al. 2019, arXiv:1805.02798. The cross-entropy is the mean over all counting voxels of

    * ``variant="paper"``: ``-(beta g ln p + (1 - beta) (1 - g) ln(1 - p))``; above 0.5 beta prices false negatives.
      Dice, ``(2 sum(p g) + s) / (sum(p) + sum(g) + s)``, is of each sample and channel, mean over those that count.
    * ``variant="code"`` (the code of Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18):
      ``-beta (g ln p + (1 - beta) (1 - g) ln(1 - p))``, so any beta prices false negatives more; one Dice of all
      counting voxels of the batch together.

    Departure from that code: logarithms come from logits. Its clamp of probabilities at 1 - 1e-9 is none in float32, so
    a sure answer gave nan or infinity. With softmax each channel is one against the rest.

    Args:
        activation: sigmoid or softmax.
        alpha: share of the cross-entropy.
        beta: see above.
        smooth: added to both sides of Dice.
        variant: which of the two forms.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        alpha: float = 0.3,
        beta: float = 0.3,
        smooth: float = 1.0,
        variant: Literal["paper", "code"] = "code",
    ) -> None:
        super().__init__()
        check_activation(activation)
        if variant not in ("paper", "code"):
            raise ValueError(f"combo variant {variant!r} is not known; use paper or code (see hnseg.losses.Combo)")
        self.activation, self.alpha, self.beta, self.smooth = activation, alpha, beta, smooth
        self.variant = variant

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        cross_entropy = counting_mean(self._cross_entropy(logits, g), counts)
        return self.alpha * cross_entropy - (1 - self.alpha) * self._dice(logits, g, counts)

    def _cross_entropy(self, logits: Tensor, g: Tensor) -> Tensor:
        outside = 1 - self.beta if self.variant == "paper" else self.beta * (1 - self.beta)
        inside = self.beta * g * log_probabilities(logits, self.activation)
        return -(inside + outside * (1 - g) * log_complements(logits, self.activation))

    def _dice(self, logits: Tensor, g: Tensor, counts: Tensor) -> Tensor:
        p = where_counting(probabilities(logits, self.activation), counts)
        overlap, size = (p * g).flatten(2).sum(dim=2), (p + g).flatten(2).sum(dim=2)
        if self.variant == "code":
            overlap, size, counts = overlap.sum(), size.sum(), counts.any()
        return counting_mean((2 * overlap + self.smooth) / (size + self.smooth), counts)
