"""Losses added up, with their parts in view."""

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

    def parts(self, logits: Tensor, target: Tensor, counts: Tensor) -> dict[str, Tensor]:
        """Each term by itself, before its weight, for the log."""
        return {name: term(logits, target, counts) for name, term in self.terms.items()}

    def total(self, parts: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of ``parts``."""
        return torch.stack([self.weights[name] * parts[name] for name in self.weights]).sum()

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        return self.total(self.parts(logits, target, counts))
