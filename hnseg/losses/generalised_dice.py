"""Generalised Dice loss."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked, first_channel, probabilities
from hnseg.losses.missing import Missing, check_missing, class_mean


class GeneralisedDice(nn.Module):
    """Dice in which each structure has the weight ``w = 1 / sum(g)^2``, so that it counts whatever its volume.

    Sudre et al. 2017, arXiv:1707.03237, section 2.

    * ``variant="paper"``: ``1 - (2 sum_c w_c sum(p g) + s) / (sum_c w_c sum(p + g) + s)`` of a sample; mean over the
      batch. Departures: the weights of a sample are divided by their largest, so that ``smooth`` is measured in voxels
      of its smallest structure and not lost or overwhelming; samples without a counting channel are left out of the
      mean. With one channel it is Dice with plain sums.
    * ``variant="code"`` (Jain and Virtanen 2020): the same fraction of each sample and class by itself, so the weight
      acts on ``smooth`` alone and it is Dice with a smoothing of ``s sum(g)^2``; with ``smooth=1e-5`` and
      ``background=False`` it is theirs.

    In both a structure that a sample lacks, whose weight would be infinite, gets the largest weight of those present,
    or 1 where none is.

    Args:
        activation: sigmoid or softmax.
        smooth: added to both sides of the fraction.
        variant: see above.
        background: whether softmax's background is a class like the others.
        missing: the rule of :func:`hnseg.losses.missing.class_mean`; one fraction a sample has no classes to weigh.

    Raises:
        ValueError: ``variant="paper"`` with another rule than ``mean``.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        smooth: float = 1.0,
        variant: Literal["paper", "code"] = "paper",
        background: bool = True,
        missing: Missing = "mean",
    ) -> None:
        super().__init__()
        check_activation(activation)
        check_missing(missing)
        if variant not in ("paper", "code"):
            raise ValueError(
                f"generalised Dice variant {variant!r} is not known; use paper (a fraction a sample) or code (a class)"
            )
        if variant == "paper" and missing != "mean":
            raise ValueError(f"missing={missing} weighs classes, but variant=paper adds them up; use variant=code")
        self.activation, self.smooth, self.variant = activation, smooth, variant
        self.background, self.missing = background, missing

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        kept = slice(first_channel(self.activation, self.background), None)
        g, counts = g[:, kept], counts[:, kept]
        p = where_counting(probabilities(logits, self.activation)[:, kept], counts)
        volumes = g.flatten(2).sum(dim=2)
        overlap, size = (p * g).flatten(2).sum(dim=2), (p + g).flatten(2).sum(dim=2)
        if self.variant == "code":
            weights = balance(volumes) / smallest(volumes).square()
            losses = 1 - (2 * weights * overlap + self.smooth) / (weights * size + self.smooth)
            return class_mean(losses, counts, self.missing)
        weights = balance(volumes)
        overlap, size = (weights * overlap).sum(dim=1), (weights * size).sum(dim=1)
        return counting_mean(1 - (2 * overlap + self.smooth) / (size + self.smooth), counts.any(dim=1))


def balance(volumes: Tensor) -> Tensor:
    """Weights (B, C) of structures with so many voxels (B, C): 1 of the smallest present, and of those not there."""
    return torch.where(volumes > 0, smallest(volumes) / volumes, 1).square()


def smallest(volumes: Tensor) -> Tensor:
    """The least number of voxels (B, 1) of a structure that is there, 1 where none is."""
    least = torch.where(volumes > 0, volumes, torch.inf).amin(dim=1, keepdim=True)
    return torch.where(least.isinf(), 1, least)
