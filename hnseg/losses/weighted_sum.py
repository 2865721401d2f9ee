"""Losses added up."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hnseg.losses.ramp import Ramp


class WeightedSum(nn.Module):
    """``sum(weights[name] * terms[name](logits, target, counts))``.

    Args:
        terms: named losses of the common signature.
        weights: for each of them, under the same names, a number or a :class:`Ramp` of epochs.

    Raises:
        ValueError: no terms, or names that differ.

    The epoch is 0 until :meth:`at_epoch` says otherwise; it is no state of a checkpoint.
    """

    def __init__(self, terms: Mapping[str, nn.Module], weights: Mapping[str, float | Ramp]) -> None:
        super().__init__()
        if not terms or set(terms) != set(weights):
            raise ValueError(
                f"a weighted sum needs terms and a weight for each of them; got the terms {sorted(terms)} "
                f"and weights for {sorted(weights)}"
            )
        self.terms = nn.ModuleDict(dict(terms))
        self._given = {name: weights[name] for name in terms}
        self.at_epoch(0)

    def at_epoch(self, epoch: int) -> None:
        """Take the weights of this epoch, counted from 0."""
        self.weights = {
            name: weight(epoch) if isinstance(weight, Ramp) else float(weight) for name, weight in self._given.items()
        }

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        parts = [self.weights[name] * term(logits, target, counts) for name, term in self.terms.items()]
        return torch.stack(parts).sum()
