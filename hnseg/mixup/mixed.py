"""What mixing a batch gives: blended inputs, and the targets that they were blended of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Part:
    """One of the targets of a blended batch, and its share in the loss.

    Attributes:
        weight: the share.
        target: (B, *s) uint8 label maps.
        annotated: (B, K) bool, which structures somebody looked for.
    """

    weight: float
    target: Tensor
    annotated: Tensor


@dataclass(frozen=True, eq=False)
class Mixed:
    """Inputs (B, C, *s) for the network, and the parts whose losses are added by weight."""

    inputs: Tensor
    parts: tuple[Part, ...]


class Mixup(Protocol):
    """``mixup(inputs, target, annotated, rng)`` of a training batch; inputs (B, C, *s) are normalised.

    All randomness comes from ``rng``, so a batch depends on its generator alone.
    """

    def __call__(self, inputs: Tensor, target: Tensor, annotated: Tensor, rng: np.random.Generator) -> Mixed: ...
