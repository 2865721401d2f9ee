"""Log-cosh Dice loss."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from hnseg.losses.dice import Dice


class LogCoshDice(Dice):
    """``ln cosh D`` of the Dice loss ``D`` of the batch, in its ``variant``: flat near 0, near ``D - ln 2`` beyond.

    Jadon 2020, arXiv:2006.14822; as used by Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18, eq. 3, whose
    paper has Dice with plain sums and whose code has squared ones.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        dice = super().forward(logits, target, counts)
        return dice + F.softplus(-2 * dice) - math.log(2)
