"""A loss for networks that answer more than once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hnseg.losses.distance import distances_kept


class DeepSupervision(nn.Module):
    """``sum(weights[i] * loss(logits[i], target, counts))`` over the outputs of a deeply supervised network.

    Lee et al. 2015, arXiv:1409.5185. The outputs are all at full size, the main one first, then from fine to coarse.

    Args:
        loss: any loss of the common signature.
        weights: one an output, used as they are. None: each half of the one before, together 1 (Isensee et al. 2021,
            doi:10.1038/s41592-020-01008-z), for any number of outputs.

    Forward: logits (B, C, *s) or a list of such, target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at
    least float32. One tensor, as networks give it outside training, costs what ``loss`` alone says.

    Raises:
        ValueError: an empty list, or not as many weights as outputs.
    """

    def __init__(self, loss: nn.Module, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.loss = loss
        self.weights = None if weights is None else tuple(float(weight) for weight in weights)

    def forward(self, logits: Tensor | Sequence[Tensor], target: Tensor, counts: Tensor) -> Tensor:
        if isinstance(logits, Tensor):
            plain: Tensor = self.loss(logits, target, counts)
            return plain
        weights = self._weights(len(logits))
        levels = zip(weights, logits, strict=True)
        with distances_kept():
            return torch.stack([weight * self.loss(level, target, counts) for weight, level in levels]).sum()

    def _weights(self, outputs: int) -> tuple[float, ...]:
        if not outputs:
            raise ValueError("deep supervision got an empty list of outputs; a network returns at least its main one")
        if self.weights is None:
            halves = [0.5**level for level in range(outputs)]
            return tuple(half / sum(halves) for half in halves)
        if len(self.weights) != outputs:
            raise ValueError(
                f"deep supervision has {len(self.weights)} weights, but the network gives {outputs} outputs; "
                "give one weight for each, the main output first, or null"
            )
        return self.weights
