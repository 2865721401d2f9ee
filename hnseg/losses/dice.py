"""Soft Dice losses."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked, probabilities


class Dice(nn.Module):
    """One minus the soft Dice coefficient of a sample's counting channels taken together; mean over the batch.

    ``1 - (2 sum(p g) + s) / (D + s)`` with, for ``variant="paper"``, ``D = sum(p) + sum(g)`` (Iantsen, Visvikis, Hatt
    2021, doi:10.1007/978-3-030-67194-5_4, eq. 5) and, for ``variant="code"``, ``D = sum(p^2) + sum(g^2)``
    (the authors' code; Milletari, Navab, Ahmadi 2016, arXiv:1606.04797). Only the squared form is least at ``p = g``
    when a target lies between 0 and 1. Departure: samples without a counting channel are left out of the mean.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(self, activation: Activation, variant: Literal["paper", "code"] = "code", smooth: float = 1.0) -> None:
        super().__init__()
        check_activation(activation)
        if variant not in ("paper", "code"):
            raise ValueError(f"Dice variant {variant!r} is not known; use paper (plain sums) or code (squared sums)")
        self.activation, self.variant, self.smooth = activation, variant, smooth

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        p = where_counting(probabilities(logits, self.activation), counts)
        overlap = (p * g).flatten(1).sum(dim=1)
        size = (p + g if self.variant == "paper" else p.square() + g.square()).flatten(1).sum(dim=1)
        return counting_mean(1 - (2 * overlap + self.smooth) / (size + self.smooth), counts.any(dim=1))
