"""What every augmentation takes and gives: an image and its label map, before normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

AIR = {"ct": -1024.0, "pt": 0.0}
"""What lies outside the field of view: HU of air, no uptake."""


class Augment(Protocol):
    """``augment(image, label, rng)``: image (C, *s) float32 in HU and SUV, label (*s) uint8, both new and alike.

    All randomness comes from ``rng``, so a sample depends on its generator alone and not on who computes it.
    """

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]: ...


@runtime_checkable
class SidedAugment(Augment, Protocol):
    """An augmentation in whose mirror left organs are right ones, and so are their annotations: (K,) bool."""

    def with_flags(
        self, image: Tensor, label: Tensor, annotated: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor]: ...


def check_modalities(modalities: Sequence[str]) -> tuple[str, ...]:
    """The modalities as a tuple; raises ValueError where one is unknown."""
    unknown = sorted(set(modalities) - set(AIR))
    if unknown or not modalities:
        raise ValueError(f"augmentation knows the modalities {sorted(AIR)}; got {list(modalities)}")
    return tuple(modalities)


def check_sample(image: Tensor, label: Tensor, channels: int) -> tuple[int, ...]:
    """Spatial size of the sample; raises ValueError where image and label do not belong together."""
    size = tuple(image.shape[1:])
    if tuple(label.shape) != size or len(size) not in (2, 3) or image.shape[0] != channels:
        raise ValueError(
            f"an image of {channels} channels, ({channels}, z, y, x) or ({channels}, y, x), and its label map are "
            f"wanted; got {tuple(image.shape)} and {tuple(label.shape)}"
        )
    if image.dtype != torch.float32:
        raise ValueError(f"augmentation interpolates, so the image must be float32; got {image.dtype}")
    return size


def last_axes(spacing_mm: Sequence[float], dims: int) -> tuple[float, ...]:
    """Spacing of the last ``dims`` of the (z, y, x) axes: a slice has (y, x)."""
    if len(spacing_mm) != 3 or any(s <= 0 for s in spacing_mm):
        raise ValueError(f"spacing_mm is {list(spacing_mm)}; give three positive numbers, for z, y, x")
    return tuple(float(s) for s in spacing_mm)[-dims:]
