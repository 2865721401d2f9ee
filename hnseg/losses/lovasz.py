"""Lovász losses: the Jaccard index made continuous."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked


class Lovasz(nn.Module):
    """The Lovász extension of one minus the Jaccard index, of each structure's errors.

    Berman, Triki, Blaschko 2018, arXiv:1705.08790. With softmax an error is ``|g - p|`` of a channel (Lovász-Softmax),
    the background's among them. With sigmoid it is the hinge ``max(0, 1 - z (2 g - 1))`` of a logit z (Lovász hinge).
    A soft target is taken as the set where it is over 0.5, since Jaccard is of sets.

    Args:
        activation: sigmoid (hinge) or softmax.
        per_image: an index of each sample, mean over samples; else one of the whole batch.
        classes: ``all`` that count, or, as the paper has it, those ``present`` in the target. ``all`` is the default
            because a patch without a lesion must say so too: there the largest error alone is the loss.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self, activation: Activation, per_image: bool = True, classes: Literal["all", "present"] = "all"
    ) -> None:
        super().__init__()
        check_activation(activation)
        if classes not in ("all", "present"):
            raise ValueError(f"classes {classes!r} is not known; use all or present (those in the target)")
        self.activation, self.per_image, self.classes = activation, per_image, classes

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        truth = g > 0.5
        errors = where_counting(self._errors(logits, truth), counts)  # an error of 0 moves no other one's share
        if self.per_image:
            errors, truth, counts = errors.flatten(2).flatten(0, 1), truth.flatten(2).flatten(0, 1), counts.flatten()
        else:
            errors, truth = errors.transpose(0, 1).flatten(1), truth.transpose(0, 1).flatten(1)
            counts = counts.any(dim=0)
        if self.classes == "present":
            counts = counts & truth.any(dim=1)
        errors, order = errors.sort(dim=1, descending=True)
        shares = jaccard_shares(truth.gather(1, order)).to(errors.dtype)
        return counting_mean((errors * shares).sum(dim=1), counts)

    def _errors(self, logits: Tensor, truth: Tensor) -> Tensor:
        if self.activation == "softmax":
            return (truth.to(logits.dtype) - logits.softmax(dim=1)).abs()
        return torch.relu(1 - torch.where(truth, logits, -logits))


def jaccard_shares(truth: Tensor) -> Tensor:
    """How much one minus Jaccard grows as each voxel of a row, in this order, turns wrong: (K, N) bool to float64.

    With I true voxels still right and U voxels true or wrongly so, a true voxel takes 1/U, another one
    I/(U-1) - I/U = I/(U(U-1)). Written so, nothing cancels: with millions of voxels the index moves by less a step
    than float32 resolves. In a row without a true voxel the first error is all.
    """
    true = truth.sum(dim=1, keepdim=True)
    right = true - truth.cumsum(dim=1)
    union = (true + (~truth).cumsum(dim=1)).double()
    shares = torch.where(truth, 1 / union, right / (union * (union - 1)).clamp(min=1))
    first = torch.zeros_like(truth)
    first[:, 0] = True
    return torch.where(first & (true == 0), 1.0, shares)
