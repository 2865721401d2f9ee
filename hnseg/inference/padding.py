"""Padding with what lies outside a patient: a constant for each channel (air in CT, nothing in PET)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

Slices = tuple[slice, ...]


def pad_to(image: Tensor, shape: Sequence[int], fill: Sequence[float]) -> tuple[Tensor, Slices]:
    """Pad an image to at least ``shape``, the same on both sides (the odd voxel goes behind).

    Args:
        image: (C, *s), in the units of ``fill``.
        shape: wanted size of each spatial axis; an axis that is larger already stays as it is.
        fill: one value a channel.

    Returns:
        The padded image (``image`` itself where nothing is missing) and the spatial slices at which it lies there.
    """
    sizes = image.shape[1:]
    assert len(fill) == image.shape[0], f"{len(fill)} fill values for {image.shape[0]} channels"
    assert len(shape) == len(sizes), f"shape {tuple(shape)} for an image of {len(sizes)} axes"
    wanted = [max(have, want) for have, want in zip(sizes, shape, strict=True)]
    starts = [(want - have) // 2 for have, want in zip(sizes, wanted, strict=True)]
    inside = tuple(slice(start, start + have) for start, have in zip(starts, sizes, strict=True))
    if list(sizes) == wanted:
        return image, inside
    padded = image.new_empty((image.shape[0], *wanted))
    for channel, value in enumerate(fill):
        padded[channel].fill_(value)
    padded[(slice(None), *inside)] = image
    return padded, inside


def next_multiple(shape: Sequence[int], divisor: int | Sequence[int]) -> tuple[int, ...]:
    """The smallest shape not below ``shape`` whose every axis ``divisor`` (one, or one an axis) divides."""
    divisors = [divisor] * len(shape) if isinstance(divisor, int) else list(divisor)
    return tuple(-(-size // by) * by for size, by in zip(shape, divisors, strict=True))


def as_fill(fill: float | Sequence[float], channels: int) -> tuple[float, ...]:
    """One value a channel from one value for all, or from a sequence."""
    if isinstance(fill, int | float):
        return (float(fill),) * channels
    values = tuple(float(value) for value in fill)
    assert len(values) == channels, f"{len(values)} fill values for {channels} channels"
    return values
