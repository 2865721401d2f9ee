"""The small U-Net of Rainio et al. 2024, which is shown a PET slice and a map of clicks."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hnseg.models.blocks import MaxPool, check_image, check_spatial_dims, conv
from hnseg.models.recompute import run

Variant = Literal["logits", "paper", "sigmoid"]
WIDTHS = (1, 2, 4, 4)
"""Channels of the levels on the way down over those of the first; on the way up there are at most twice as many."""
DROPOUTS = (0.1, 0.1, 0.2, 0.2)
UP_DROPOUT = 0.1
TRUNCATED = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at ±2."""


class DroppedPair(nn.Module):
    """Convolution, ReLU, dropout, convolution, ReLU: (B, in_channels, *s) to (B, out_channels, *s)."""

    def __init__(
        self, in_channels: int, out_channels: int, dropout: float, spatial_dims: int, checkpointing: bool
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.first = conv(spatial_dims, in_channels, out_channels, 3)
        self.dropout = nn.Dropout(dropout)
        self.second = conv(spatial_dims, out_channels, out_channels, 3)
        for layer in (self.first, self.second):
            _he_normal(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        return run(self._convolve, x, checkpointing=self.checkpointing)

    def _convolve(self, x: Tensor) -> Tensor:
        return F.relu(self.second(self.dropout(F.relu(self.first(x)))))


class UpPair(nn.Module):
    """Doubles ``deep`` (B, deep_channels, *s / 2) and merges ``skip`` (B, skip_channels, *s) behind it."""

    def __init__(
        self, deep_channels: int, skip_channels: int, channels: int, spatial_dims: int, checkpointing: bool
    ) -> None:
        super().__init__()
        layer = nn.ConvTranspose3d if spatial_dims == 3 else nn.ConvTranspose2d
        self.up = layer(deep_channels, channels, 2, stride=2)
        nn.init.xavier_uniform_(self.up.weight)
        self.pair = DroppedPair(channels + skip_channels, channels, UP_DROPOUT, spatial_dims, checkpointing)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        merged: Tensor = self.pair(torch.cat([self.up(deep), skip], dim=1))
        return merged


class TurkuUNet(nn.Module):
    """U-Net of four narrow levels with dropout and no normalisation.

    Rainio et al. 2024, "One-click annotation to improve segmentation", doi:10.1007/s13721-024-00483-0, section 2.3;
    layers, dropout and first weights are those of the authors' code. 231,665 parameters with 1 input channel and 1
    output, 231,809 with a second input for clicks; the authors' earlier network for slices of 64 pixels has
    ``levels=3``: 116,753 and 116,897. Departures: logits by default; also in 3-D; other widths.

    Forward: image (B, in_channels, *s) to (B, out_channels, *s). Raises ValueError where an axis of ``s`` is no
    multiple of ``divisor``.

    Args:
        filters: channels of the first level.
        spatial_dims: 2 or 3.
        variant: what comes out. ``logits``. ``paper``: the answer itself, from a linear layer, to be compared with a
            threshold that is chosen on the training patients. ``sigmoid``: the answer itself from a sigmoid, which the
            authors gave up because it tended to answer "nothing"; Keras takes its loss from the logits, so its like
            here is ``logits`` with ``loss=bce``.
        levels: 4, or 3 without the deepest.
        checkpointing: compute the levels again in the backward pass instead of keeping their activations.

    Attributes:
        divisor: every axis of the input must be a multiple of it: 8, with three levels 4.
        activation: "identity" where the output is no logit, which the label set must say as well; else None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 16,
        spatial_dims: int = 2,
        variant: Variant = "logits",
        levels: int = 4,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        if variant not in get_args(Variant):
            raise ValueError(f"variant is {variant!r}; TurkuUNet has {', '.join(get_args(Variant))}")
        if levels not in (3, 4):
            raise ValueError(f"levels is {levels}; TurkuUNet has 4, or 3 as for slices of 64 pixels")
        self.spatial_dims, self.variant, self.divisor = spatial_dims, variant, 2 ** (levels - 1)
        self.layers = {"bottleneck": f"down.{levels - 1}", "decoder": f"up.{levels - 2}"}
        self.activation: Literal["identity"] | None = None if variant == "logits" else "identity"
        widths = [filters * width for width in WIDTHS[:levels]]
        self.pool = MaxPool()
        self.down = nn.ModuleList(
            DroppedPair(before, width, dropout, spatial_dims, checkpointing)
            for (before, width), dropout in zip(pairwise([in_channels, *widths]), DROPOUTS[:levels], strict=True)
        )
        self.up = nn.ModuleList()
        deep = widths[-1]
        for skip in reversed(widths[:-1]):
            width = min(skip, 2 * filters)
            self.up.append(UpPair(deep, skip, width, spatial_dims, checkpointing))
            deep = width
        self.head = conv(spatial_dims, deep, out_channels, 1)
        nn.init.xavier_uniform_(self.head.weight)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__, normalises=False)
        features: list[Tensor] = []
        for level in self.down:
            features.append(level(self.pool(features[-1]) if features else image))
        x = features.pop()
        for level in self.up:
            x = level(x, features.pop())
        output: Tensor = self.head(x)
        return output.sigmoid() if self.variant == "sigmoid" else output


@torch.no_grad()
def _he_normal(weight: Tensor) -> None:
    """Weights from He et al. 2015, arXiv:1502.01852, as Keras draws them: cut off at two standard deviations.

    By the inverse of the distribution, which asks no tensor for its values, so that :mod:`hnseg.models.memory` can.
    """
    std = (2 / weight[0].numel()) ** 0.5 / TRUNCATED
    inside = math.erf(2**0.5)
    weight.uniform_(-inside, inside).erfinv_().mul_(2**0.5 * std)
