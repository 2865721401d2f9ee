"""The residual-encoder U-Net of nnU-Net, in code of our own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hnseg.models.blocks import check_image, check_spatial_dims, conv, upsample
from hnseg.models.recompute import Stack, run

SLOPE = 0.01  # of the leaky ReLU, below zero
SMALLEST_EDGE = 4
"""Voxels along the shortest axis of a patch below which nnU-Net halves no further."""
MAX_FILTERS = {2: 512, 3: 320}


class ConvNorm(nn.Module):
    """Convolution, which divides the size by ``stride``, affine instance normalisation, leaky ReLU if ``activate``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        spatial_dims: int,
        kernel_size: int = 3,
        stride: int = 1,
        bias: bool = True,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.activate = activate
        self.conv = conv(spatial_dims, in_channels, out_channels, kernel_size, stride=stride, bias=bias)
        # A group of one channel is instance normalisation, and faster on a CPU: see blocks.instance_normalise.
        self.norm = nn.GroupNorm(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return F.leaky_relu_(x, SLOPE) if self.activate else x


class StridedResidualBlock(nn.Module):
    """Two convolutions plus the input, then leaky ReLU: (B, in_channels, *s) to (B, out_channels, *(s / stride)).

    Where the size changes the input is averaged over ``stride`` voxels an axis, where the channels change it goes
    through a 1-voxel convolution and normalisation.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, spatial_dims: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = ConvNorm(in_channels, out_channels, spatial_dims, stride=stride)
        self.second = ConvNorm(out_channels, out_channels, spatial_dims, activate=False)
        self.project: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.project = ConvNorm(in_channels, out_channels, spatial_dims, 1, bias=False, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.second(self.first(x))
        if self.stride > 1:
            x = (F.avg_pool3d if x.ndim == 5 else F.avg_pool2d)(x, self.stride)
        return F.leaky_relu_(residual + self.project(x), SLOPE)


class LightDecoderStage(nn.Module):
    """Doubles the size of ``deep`` (B, deep_channels, *s / 2) and merges ``skip`` (B, channels, *s) into it."""

    def __init__(self, deep_channels: int, channels: int, spatial_dims: int) -> None:
        super().__init__()
        layer = nn.ConvTranspose3d if spatial_dims == 3 else nn.ConvTranspose2d
        self.up = layer(deep_channels, channels, 2, stride=2)
        self.merge = ConvNorm(2 * channels, channels, spatial_dims)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        merged: Tensor = self.merge(torch.cat([self.up(deep), skip], dim=1))
        return merged


def stages_for(edges: Sequence[int], most: int) -> int:
    """As many stages as nnU-Net plans for a patch: halved until an edge would fall below four voxels, up to ``most``.

    Raises:
        ValueError: the patch cannot be halved once.
    """
    halvings = int(math.log2(max(1, min(edges)) / SMALLEST_EDGE)) if min(edges) >= 2 * SMALLEST_EDGE else 0
    if halvings < 1:
        raise ValueError(
            f"ResEncUNet cannot halve patches of {tuple(edges)}; give at least {2 * SMALLEST_EDGE} an axis"
        )
    return min(most, halvings + 1)


class ResEncUNet(nn.Module):
    """U-Net with a deep residual encoder and a light decoder, the network behind nnU-Net's "ResEnc" presets.

    Isensee et al. 2024, arXiv:2404.09556; nnU-Net: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. A stem, stages
    of residual blocks the first of which halves the size, a decoder of one convolution a stage. Weights start from He's
    normal distribution, residual blocks as their shortcut alone. Departures: all axes are halved together; outputs of
    deep supervision are interpolated to full size; there is none at the lowest resolution of the decoder, where
    nnU-Net has one of weight 0.

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s); with deep supervision, in training only, a list
    of such from fine to coarse, ``stages - 2`` of them, at least one. Raises ValueError where an axis of ``s`` is no
    multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first stage; each further stage has twice as many, up to ``max_filters``.
        max_filters: None: 320 in 3-D, 512 in 2-D.
        stages: resolutions, full size included. None: what nnU-Net would plan for patches of ``size_zyx``, or without
            that one for each number of ``blocks_per_stage``.
        blocks_per_stage: residual blocks of each stage of the encoder; what is more than ``stages`` is not used.
        size_zyx: of the patches, z, y, x; in 2-D the last two count.
        spatial_dims: 2 or 3.
        deep_supervision: outputs at all resolutions of the decoder but the lowest.
        checkpointing: compute the blocks again in the backward pass instead of keeping their activations.

    Attributes:
        divisor: every axis of the input must be a multiple of it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 32,
        max_filters: int | None = None,
        stages: int | None = None,
        blocks_per_stage: Sequence[int] = (1, 3, 4, 6, 6, 6),
        size_zyx: Sequence[int] | None = None,
        spatial_dims: int = 3,
        deep_supervision: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        most = len(blocks_per_stage)
        if stages is None:
            stages = most if size_zyx is None else stages_for(size_zyx[-spatial_dims:], most)
        if not 2 <= stages <= most:
            raise ValueError(f"stages is {stages}; use 2 to {most}, as many as blocks_per_stage has numbers")
        self.spatial_dims, self.deep_supervision, self.checkpointing = spatial_dims, deep_supervision, checkpointing
        self.divisor = 2 ** (stages - 1)
        self.layers = {"bottleneck": f"encoder.{stages - 1}", "decoder": f"decoder.{stages - 2}"}
        widest = MAX_FILTERS[spatial_dims] if max_filters is None else max_filters
        widths = [min(filters * 2**stage, widest) for stage in range(stages)]
        self.stem = ConvNorm(in_channels, widths[0], spatial_dims)
        self.encoder = nn.ModuleList(
            _stage(source, width, blocks, stride, spatial_dims, checkpointing)
            for source, width, blocks, stride in zip(
                [widths[0], *widths[:-1]], widths, blocks_per_stage[:stages], [1, *[2] * (stages - 1)], strict=True
            )
        )
        self.decoder = nn.ModuleList(
            LightDecoderStage(deep, width, spatial_dims)
            for deep, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = conv(spatial_dims, widths[0], out_channels, 1)
        supervised = widths[1 : stages - 2] if deep_supervision else []
        self.supervision = nn.ModuleList(conv(spatial_dims, width, out_channels, 1) for width in supervised)
        self._initialise()

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        x = run(self.stem, image, checkpointing=self.checkpointing)
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
        levels = [skips.pop()]
        for decode in self.decoder:
            levels.append(run(decode, levels[-1], skips.pop(), checkpointing=self.checkpointing))
        logits: Tensor = self.head(levels.pop())
        if not (self.deep_supervision and self.training):
            return logits
        finest_first = levels[::-1][: len(self.supervision)]  # without the lowest of the decoder, and the encoder's end
        heads = zip(self.supervision, finest_first, strict=True)
        return [logits, *(upsample(head(x), 2**level) for level, (head, x) in enumerate(heads, start=1))]

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            if isinstance(module, StridedResidualBlock):
                nn.init.zeros_(module.second.norm.weight)


def _stage(
    in_channels: int, out_channels: int, blocks: int, stride: int, spatial_dims: int, checkpointing: bool
) -> Stack:
    """Residual blocks of one resolution, the first of which gets there."""
    first = StridedResidualBlock(in_channels, out_channels, stride, spatial_dims)
    rest = (StridedResidualBlock(out_channels, out_channels, 1, spatial_dims) for _ in range(blocks - 1))
    return Stack(first, *rest, checkpointing=checkpointing)
