"""Nothing is mixed."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from hnseg.mixup.mixed import Mixed, Part


class NoMixup:
    """Every sample for itself."""

    def __call__(self, inputs: Tensor, target: Tensor, annotated: Tensor, rng: np.random.Generator) -> Mixed:  # noqa: ARG002
        return Mixed(inputs, (Part(1.0, target, annotated),))
