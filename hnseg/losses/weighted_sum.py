"""Losses added up."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightedSum(nn.Module):
    """``sum(weights[name] * terms[name](logits, target, counts))``.

    Args:
        terms: named losses of the common signature.
        weights: a number for each of them, under the same names.

    Raises:
        ValueError: no terms, or names that differ.
    """

    def __init__(self, terms: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        super().__init__()
        if not terms or set(terms) != set(weights):
            raise ValueError(
                f"a weighted sum needs terms and a weight for each of them; got the terms {sorted(terms)} "
                f"and weights for {sorted(weights)}"
            )
        self.terms = nn.ModuleDict(dict(terms))
        self.weights = {name: float(weights[name]) for name in terms}

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        parts = [self.weights[name] * term(logits, target, counts) for name, term in self.terms.items()]
        return torch.stack(parts).sum()
