"""Mixup: a batch blended with another order of itself."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.mixup.mixed import Mixed, Part


class BetaMixup:
    """``share`` x_i + (1 - ``share``) x_j; the loss is blended in the same way, of the targets of i and of j.

    Zhang, Cissé, Dauphin, Lopez-Paz 2018, arXiv:1710.09412, as Jain and Virtanen 2020 use it: one share a batch, from a
    Beta(``alpha``, ``alpha``) distribution, and a random permutation for the partners. For 0.2 one of the two samples
    has nine tenths or more of the blend in two of three batches. The only sample of a batch is its own partner.

    Args:
        alpha: of the distribution, above 0; the larger, the more evenly two samples are blended.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        if not alpha > 0:
            raise ValueError(f"mixup's alpha is {alpha}; it must be above 0 (mixup=none mixes nothing)")
        self.alpha = alpha

    def __call__(self, inputs: Tensor, target: Tensor, annotated: Tensor, rng: np.random.Generator) -> Mixed:
        share = float(rng.beta(self.alpha, self.alpha))
        return blend(inputs, target, annotated, share, self.partners(target, annotated, rng))

    def partners(self, target: Tensor, annotated: Tensor, rng: np.random.Generator) -> NDArray[np.int64]:  # noqa: ARG002
        """(B,) for each sample the place of the one that it is blended with."""
        return rng.permutation(len(target))


def blend(inputs: Tensor, target: Tensor, annotated: Tensor, share: float, partners: NDArray[np.int64]) -> Mixed:
    """Sample i gets ``share`` of itself and the rest of its partner; what was annotated stays with its target."""
    chosen = torch.from_numpy(partners).to(inputs.device)
    mixed = torch.lerp(inputs[chosen], inputs, share)
    return Mixed(mixed, (Part(share, target, annotated), Part(1 - share, target[chosen], annotated[chosen])))
