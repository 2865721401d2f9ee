"""Mirroring, each axis by itself."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from hnseg.augment.sample import check_sample


class Mirror:
    """Mirrors each of some axes with probability one half.

    Args:
        axes: which of ``zyx`` may be mirrored; a slice has ``yx``. Leave out ``x`` where labels tell left from right.
    """

    def __init__(self, axes: str = "zyx") -> None:
        if set(axes) - set("zyx"):
            raise ValueError(f"mirror axes are some of zyx; got {axes!r}")
        self.axes = axes

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> tuple[int, ...]:
        """Axes of the label map to mirror, counted from the last (-1 is x)."""
        candidates = [axis - 3 for axis, name in enumerate("zyx") if name in self.axes and axis >= 3 - len(size)]
        return tuple(axis for axis in candidates if rng.random() < 0.5)

    def apply(self, image: Tensor, label: Tensor, params: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        return image.flip(params), label.flip(params)

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, image.shape[0])
        return self.apply(image, label, self.draw(rng, size))
