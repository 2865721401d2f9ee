"""No augmentation, as an object like the others."""

from __future__ import annotations

import numpy as np
from torch import Tensor


class NoAugment:
    """Gives image and label back as they are and draws nothing."""

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return image, label
