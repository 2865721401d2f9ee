"""The plain U-Net that the SE-Norm network was compared with."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hnseg.models.blocks import MaxPool, check_image, check_spatial_dims, conv, up_conv
from hnseg.models.recompute import Stack

LEVELS = 4


class PlainBlock(nn.Module):
    """Convolution without bias, affine instance normalisation, ReLU: (B, in_channels, *s) to (B, out_channels, *s)."""

    def __init__(self, in_channels: int, out_channels: int, spatial_dims: int) -> None:
        super().__init__()
        self.conv = conv(spatial_dims, in_channels, out_channels, 3, bias=False)
        # A group of one channel is instance normalisation, and faster on a CPU: see blocks.instance_normalise.
        self.norm = nn.GroupNorm(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class DoubleBlock(Stack):
    """Two ``PlainBlock``s: (B, in_channels, *s) to (B, out_channels, *s)."""

    def __init__(self, in_channels: int, out_channels: int, spatial_dims: int, checkpointing: bool) -> None:
        first = PlainBlock(in_channels, out_channels, spatial_dims)
        second = PlainBlock(out_channels, out_channels, spatial_dims)
        super().__init__(first, second, checkpointing=checkpointing)


class UpLevel(nn.Module):
    """Doubles the size of ``deep`` (B, 2 * channels, *s / 2) and merges ``skip`` (B, channels, *s) into it."""

    def __init__(self, channels: int, spatial_dims: int, checkpointing: bool) -> None:
        super().__init__()
        self.up = up_conv(spatial_dims, 2 * channels, channels)
        self.blocks = DoubleBlock(2 * channels, channels, spatial_dims, checkpointing)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        return self.blocks(torch.cat([self.up(deep), skip], dim=1))


class UNet(nn.Module):
    """U-Net of four levels with instance normalisation and transposed convolutions.

    Ronneberger, Fischer, Brox 2015, arXiv:1505.04597, in the form of the baseline that Iantsen et al. publish with
    their code for doi:10.1007/978-3-030-67194-5_4; 3,611,665 parameters with 2 input channels, 1 output channel,
    24 filters. Departures: returns logits; also in 2-D.

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s). Raises ValueError where an axis of ``s`` is
    no multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first level; each further level has twice as many.
        spatial_dims: 2 or 3.
        checkpointing: compute the blocks again in the backward pass instead of keeping their activations.
    """

    divisor: ClassVar[int] = 2 ** (LEVELS - 1)
    layers: ClassVar[dict[str, str]] = {"bottleneck": "down.3", "decoder": "up.2"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 24,
        spatial_dims: int = 3,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        self.spatial_dims = spatial_dims
        widths = [filters * 2**level for level in range(LEVELS)]
        self.pool = MaxPool()
        self.down = nn.ModuleList(
            DoubleBlock(source, width, spatial_dims, checkpointing)
            for source, width in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(UpLevel(width, spatial_dims, checkpointing) for width in reversed(widths[:-1]))
        self.head = conv(spatial_dims, filters, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        features: list[Tensor] = []
        for blocks in self.down:
            features.append(blocks(self.pool(features[-1]) if features else image))
        x = features.pop()
        for level in self.up:
            x = level(x, features.pop())
        return self.head(x)
