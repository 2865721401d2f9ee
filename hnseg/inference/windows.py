"""Where the windows over an image lie, and how much each of their voxels counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from hnseg.inference.padding import Slices, as_fill, pad_to

Weighting = Literal["gaussian", "constant"]

SIGMA_OF_WINDOW = 0.125
"""Standard deviation of the Gaussian weights as a part of the window's side (the value of nnU-Net and of MONAI)."""
LEAST_WEIGHT = 1e-3
"""No voxel weighs less than this against a window's centre: a corner that one window alone covers must not vanish."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows over an image that is padded to hold at least one.

    Attributes:
        image: (C, *s), no axis below the window's.
        inside: where the image lay before it was padded. Only an image of one window along the first axis is padded
            there, so that what holds of it holds of its one slab.
        starts: first voxels of the windows, a list an axis.
        places: the windows in the order of their first slices.
        weight: (*window).
        batch_size: windows in one call.
    """

    image: Tensor
    inside: Slices
    starts: list[list[int]]
    places: list[Slices]
    weight: Tensor
    batch_size: int

    def calls(self) -> Iterator[list[Slices]]:
        """The windows of each call of the network."""
        for first in range(0, len(self.places), self.batch_size):
            yield self.places[first : first + self.batch_size]

    def reach(self) -> int:
        """Most slices between the first and the last that the windows of one call lie in."""
        return max(int(places[-1][0].stop - places[0][0].start) for places in self.calls())


def lay_out(
    image: Tensor,
    window_zyx: Sequence[int],
    overlap: float,
    weighting: Weighting,
    batch_size: int,
    fill: float | Sequence[float],
) -> Windows:
    """Windows that cover an image.

    Raises:
        ValueError: overlap outside [0, 1), a window that does not fit the image's axes, a batch size below 1.
    """
    _check(image, window_zyx, overlap, batch_size)
    padded, inside = pad_to(image, window_zyx, as_fill(fill, image.shape[0]))
    starts = [window_starts(n, w, overlap) for n, w in zip(padded.shape[1:], window_zyx, strict=True)]
    places = [tuple(slice(a, a + w) for a, w in zip(at, window_zyx, strict=True)) for at in product(*starts)]
    weight = window_weight(window_zyx, weighting, image.device)
    return Windows(padded, inside, starts, places, weight, batch_size)


def window_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of the windows along an axis: both ends covered, evenly spread, at least ``overlap`` shared."""
    assert size >= window
    step = max(int(window * (1 - overlap)), 1)
    gaps = -(-(size - window) // step)
    return [(2 * i * (size - window) + gaps) // (2 * gaps) for i in range(gaps + 1)] if gaps else [0]


def window_weight(window_zyx: Sequence[int], weighting: Weighting, device: torch.device | str = "cpu") -> Tensor:
    """(*window) float32: how much each voxel of a window counts; 1 at its centre."""
    if weighting not in ("gaussian", "constant"):
        raise ValueError(f"weighting {weighting!r} is not known; use gaussian or constant")
    weight = torch.ones(tuple(window_zyx), device=device)
    if weighting == "constant":
        return weight
    for axis, width in enumerate(window_zyx):
        offset = torch.arange(width, dtype=torch.float32, device=device) - (width - 1) / 2
        profile = torch.exp(-0.5 * (offset / (SIGMA_OF_WINDOW * width)) ** 2)
        weight *= profile.reshape([-1 if a == axis else 1 for a in range(len(window_zyx))])
    return weight.clamp_(min=LEAST_WEIGHT)


def _check(image: Tensor, window_zyx: Sequence[int], overlap: float, batch_size: int) -> None:
    if len(window_zyx) != image.ndim - 1 or min(window_zyx) < 1:
        raise ValueError(
            f"window {tuple(window_zyx)} does not fit an image of shape {tuple(image.shape)} (channels first)"
        )
    if not 0 <= overlap < 1:
        raise ValueError(
            f"overlap {overlap} is not in [0, 1); 0.5 lets each window share half of its side with the next"
        )
    if batch_size < 1:
        raise ValueError(f"batch size {batch_size} is below 1")
