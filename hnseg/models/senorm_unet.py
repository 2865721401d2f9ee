"""The SE-Norm residual U-Net that won HECKTOR 2020, and its encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from hnseg.models.blocks import (
    ConvBlock,
    MaxPool,
    ResidualBlock,
    check_image,
    check_spatial_dims,
    conv,
    up_conv,
    upsample,
)
from hnseg.models.recompute import Stack, run

BLOCKS_PER_LEVEL = (2, 3, 3, 3, 3)
FIRST_KERNEL = 7


class SENormEncoder(nn.Module):
    """Five levels of residual blocks with SE normalisation, maximum pooling between them.

    Forward: (B, in_channels, *s) to a list of five, (B, filters * 2**k, *(s / 2**k)) for k = 0..4.

    Attributes:
        channels: of the five outputs.
        divisor: every axis of the input must be a multiple of it.
    """

    divisor: ClassVar[int] = 16

    def __init__(
        self,
        in_channels: int,
        filters: int = 24,
        reduction: int = 2,
        spatial_dims: int = 3,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        self.channels = tuple(filters * 2**level for level in range(len(BLOCKS_PER_LEVEL)))
        self.pool = MaxPool()
        self.levels = nn.ModuleList()
        previous = in_channels
        for level, (blocks, channels) in enumerate(zip(BLOCKS_PER_LEVEL, self.channels, strict=True)):
            kernel = FIRST_KERNEL if level == 0 else 3
            first = ResidualBlock(previous, channels, kernel, reduction, spatial_dims)
            rest = (ResidualBlock(channels, channels, 3, reduction, spatial_dims) for _ in range(blocks - 1))
            self.levels.append(Stack(first, *rest, checkpointing=checkpointing))
            previous = channels

    def forward(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for blocks in self.levels:
            features.append(blocks(self.pool(features[-1]) if features else image))
        return features


class DecoderLevel(nn.Module):
    """Doubles the size of what comes from below and merges the encoder's features of that size into it.

    Forward: deep (B, 2 * channels, *s / 2), skip (B, channels, *s) and full-size ``paths`` (B, channels, *s), which
    are added half-way, to (B, channels, *s).
    """

    def __init__(self, channels: int, reduction: int, spatial_dims: int, checkpointing: bool) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.up = up_conv(spatial_dims, 2 * channels, channels)
        self.merge = ConvBlock(2 * channels, channels, 3, reduction, spatial_dims)
        self.refine = ConvBlock(channels, channels, 3, reduction, spatial_dims)

    def forward(self, deep: Tensor, skip: Tensor, paths: Sequence[Tensor] = ()) -> Tensor:
        x = run(self.merge, torch.cat([self.up(deep), skip], dim=1), checkpointing=self.checkpointing)
        for path in paths:
            x = x + path
        return run(self.refine, x, checkpointing=self.checkpointing)


class UpsamplingPath(nn.Module):
    """Carries a decoder level to full size: 1-voxel ``ConvBlock``, then linear interpolation."""

    def __init__(self, in_channels: int, out_channels: int, scale: int, reduction: int, spatial_dims: int) -> None:
        super().__init__()
        self.scale = scale
        self.block = ConvBlock(in_channels, out_channels, 1, reduction, spatial_dims)

    def forward(self, x: Tensor) -> Tensor:
        return upsample(self.block(x), self.scale)


class SENormUNet(nn.Module):
    """U-Net with residual blocks, squeeze-and-excitation normalisation and upsampling paths from every decoder level.

    Iantsen, Visvikis, Hatt 2021, "Squeeze-and-Excitation Normalization for Automated Delineation of Head and Neck
    Primary Tumors in Combined PET and CT Images", doi:10.1007/978-3-030-67194-5_4, Fig. 2. 21,751,681 parameters with
    2 input channels, 1 output channel, 24 filters. Departures: returns logits; also in 2-D.

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s). Raises ValueError where an axis of ``s`` is
    no multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first level; each further level has twice as many.
        reduction: channels of a level over hidden channels of its SE gates.
        spatial_dims: 2 or 3.
        checkpointing: compute the blocks again in the backward pass instead of keeping their activations.
    """

    divisor: ClassVar[int] = SENormEncoder.divisor
    layers: ClassVar[dict[str, str]] = {"bottleneck": "encoder.levels.4", "decoder": "decoder1"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 24,
        reduction: int = 2,
        spatial_dims: int = 3,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.encoder = SENormEncoder(in_channels, filters, reduction, spatial_dims, checkpointing)
        n1, n2, n3, n4, _ = self.encoder.channels
        level = (reduction, spatial_dims, checkpointing)
        # Registered in the order of the original network, so that its weights can be loaded by position.
        self.decoder4 = DecoderLevel(n4, *level)
        self.path4 = UpsamplingPath(n4, n1, 8, reduction, spatial_dims)
        self.decoder3 = DecoderLevel(n3, *level)
        self.path3 = UpsamplingPath(n3, n1, 4, reduction, spatial_dims)
        self.decoder2 = DecoderLevel(n2, *level)
        self.path2 = UpsamplingPath(n2, n1, 2, reduction, spatial_dims)
        self.decoder1 = DecoderLevel(n1, *level)
        self.head = conv(spatial_dims, n1, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        e1, e2, e3, e4, e5 = self.encoder(image)
        d4 = self.decoder4(e5, e4)
        d3 = self.decoder3(d4, e3)
        d2 = self.decoder2(d3, e2)
        d1 = self.decoder1(d2, e1, (self.path4(d4), self.path3(d3), self.path2(d2)))
        return self.head(d1)
