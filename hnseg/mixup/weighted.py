"""Mixup that prefers partners with rare structures."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.mixup.beta import BetaMixup
from hnseg.types import TrainingCounts


class WeightedMixup(BetaMixup):
    """Mixup with partners drawn with replacement, those that show rare structures more often.

    Jain and Virtanen 2020: a sample's chance is proportional to k / (n_1 + ... + n_k), k structures in it, each of
    which n training samples show: the inverse of their mean. Samples without a structure count as if they showed as
    many as all structures together. What is in a sample is seen after augmentation.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__(alpha)
        self.shown: NDArray[np.float64] | None = None

    def learn(self, counts: TrainingCounts) -> None:
        """Take how many training samples show each structure."""
        self.shown = np.array(counts.shown, float)

    def partners(self, target: Tensor, annotated: Tensor, rng: np.random.Generator) -> NDArray[np.int64]:
        if self.shown is None:
            raise ValueError("mixup=weighted has not learnt how often structures are shown; call learn(TrainingCounts)")
        assert annotated.shape[1] == len(self.shown), f"{annotated.shape[1]} structures, counts of {len(self.shown)}"
        chances = self.chances(present(target, len(self.shown)))
        return rng.choice(len(chances), size=len(chances), p=chances)

    def chances(self, shows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(B,), adding up to 1, from (B, K): which structures each sample shows."""
        assert self.shown is not None
        structures = shows.sum(axis=1)
        # A structure that is shown nowhere in training but here (another view, a changed folder) counts as rarest.
        shown = np.maximum(self.shown, 1)
        total = np.where(structures > 0, shows @ shown, shown.sum())
        weights = np.maximum(structures, 1) / total
        return cast("NDArray[np.float64]", weights / weights.sum())


def present(target: Tensor, structures: int) -> NDArray[np.bool_]:
    """(B, K): which of the values 1 to K each label map (B, *s) has."""
    flat = target.flatten(1)
    found = torch.stack([(flat == value).any(dim=1) for value in range(1, structures + 1)], dim=1)
    return cast("NDArray[np.bool_]", found.cpu().numpy())
