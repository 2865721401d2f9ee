"""A bright ball in noise, and a network that is often wrong about it."""

from __future__ import annotations

import torch
from torch import Tensor

from hnseg.postprocess import Scene

MM = (1.0, 1.0, 1.0)


def ball(
    shape: tuple[int, int, int] = (12, 12, 12), channels: int = 1, spacing_mm: tuple[float, float, float] = MM
) -> tuple[Tensor, Scene, Tensor]:
    """Inside (Z, Y, X), images in HU and SUV, and logits (channels, Z, Y, X) of which the first knows the ball."""
    rng = torch.Generator().manual_seed(0)
    squared = torch.zeros(shape)
    for axis, size in enumerate(shape):
        place = (torch.arange(size) - (size - 1) / 2) / (0.3 * size + 0.5 * (size == 1))
        squared = squared + place.view([-1 if a == axis else 1 for a in range(3)]) ** 2
    inside = squared < 1
    ct_hu = 40 + 60 * inside + 20 * torch.randn(shape, generator=rng)
    pet_suv = 1.5 + 5 * inside + 0.4 * torch.randn(shape, generator=rng)
    logits = 1.2 * (inside * 2.0 - 1) + 1.5 * torch.randn((channels, *shape), generator=rng)
    return inside, Scene(torch.stack([ct_hu, pet_suv]), ("ct", "pt"), spacing_mm), logits


def dice(a: Tensor, b: Tensor) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
