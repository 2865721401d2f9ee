"""The full-scale U-Net of the HECKTOR 2021 paper, behind the encoder of the SE-Norm U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hnseg.models.blocks import ConvBlock, MaxPool, check_image, conv, upsample
from hnseg.models.recompute import conv_of_upsampled, run
from hnseg.models.senorm_unet import SENormEncoder

CONTEXT_DILATIONS = (6, 12, 18)
CONTEXT_LEVEL = 3
"""Where the sixth source lives: at a quarter of the full size."""


class Source(nn.Module):
    """What a decoder stage takes from one level: brought to the stage's size, then a ``ConvBlock``.

    Forward: (B, in_channels, *s) to (B, out_channels, *(s / 2**halvings)).

    Args:
        halvings: positive: maximum pooling by 2**halvings; negative: linear interpolation by 2**-halvings.
        channels_at_once: how many channels are interpolated at a time, see :func:`conv_of_upsampled`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        halvings: int,
        channels_at_once: int,
        reduction: int,
        spatial_dims: int,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        self.halvings, self.channels_at_once, self.checkpointing = halvings, channels_at_once, checkpointing
        self.pool = MaxPool(2**halvings) if halvings > 0 else nn.Identity()
        self.block = ConvBlock(in_channels, out_channels, 3, reduction, spatial_dims)

    def forward(self, x: Tensor) -> Tensor:
        return run(self._bring, x, checkpointing=self.checkpointing)

    def _bring(self, x: Tensor) -> Tensor:
        if self.halvings >= 0:
            return self.block(self.pool(x))
        convolved = conv_of_upsampled(self.block.conv, x, 2**-self.halvings, self.channels_at_once)
        return self.block.norm(F.relu(convolved))


class FullScaleStage(nn.Module):
    """One decoder stage: all its sources side by side, merged by a ``ConvBlock``: to (B, U, *s).

    Args:
        in_channels: of each source.
        halvings: of each source, see :class:`Source`.
        cat_channels: of each source after its block; together they are U.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        halvings: Sequence[int],
        cat_channels: int,
        reduction: int,
        spatial_dims: int,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        width = cat_channels * len(in_channels)
        self.checkpointing = checkpointing
        self.sources = nn.ModuleList(
            Source(channels, cat_channels, steps, width, reduction, spatial_dims, checkpointing)
            for channels, steps in zip(in_channels, halvings, strict=True)
        )
        self.merge = ConvBlock(width, width, 3, reduction, spatial_dims)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        brought = [source(x) for source, x in zip(self.sources, features, strict=True)]
        return run(self._merge, *brought, checkpointing=self.checkpointing)

    def _merge(self, *brought: Tensor) -> Tensor:
        return self.merge(torch.cat(brought, dim=1))


class Context(nn.Module):
    """Atrous pyramid: maximum pooling by 2, three dilated ``ConvBlock``s side by side, a 1-voxel convolution of them.

    Chen et al. 2017, arXiv:1706.05587, without its image-level branch. Forward: (B, in_channels, *s) to
    (B, out_channels, *(s / 2)).
    """

    def __init__(
        self, in_channels: int, out_channels: int, reduction: int, spatial_dims: int, checkpointing: bool
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.pool = MaxPool()
        self.branches = nn.ModuleList(
            ConvBlock(in_channels, out_channels, 3, reduction, spatial_dims, dilation) for dilation in CONTEXT_DILATIONS
        )
        self.mix = conv(spatial_dims, len(CONTEXT_DILATIONS) * out_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return run(self._look_around, x, checkpointing=self.checkpointing)

    def _look_around(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        return self.mix(torch.cat([branch(x) for branch in self.branches], dim=1))


class UNet3Plus(nn.Module):
    """NormResSE-UNet3+: the encoder of :class:`SENormUNet`, and a decoder whose every stage sees every scale.

    Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18, after UNet 3+ (Huang et al. 2020, arXiv:2004.08790). A
    stage takes all encoder levels down to its own, pooled, and all decoder stages below it, interpolated; each gives
    ``cat_channels``. 18,494,809 parameters with 2 input channels, 1 output channel, 24 filters; 18,518,142 with deep
    supervision. Departures: returns logits; also in 2-D; the heads of deep supervision, which the authors' code
    computes and throws away, are returned.

    ``sources=6`` is our guess. The authors trained a decoder of 144 = 6 x 24 channels, but their code joins five
    sources, and the sixth was not published. It contains an unused atrous pyramid (pooling by 2, three convolutions
    dilated by 6, 12, 18, ReLU, batch normalisation, 1x1x1 convolution), which may have been it. Here such a pyramid
    looks at the second encoder level: pooled once, that of a 144^3 image is 36^3, where dilations of 6 to 18 span the
    image and not more (the end of the encoder, 9^3, is 4^3 after pooling, and they would all leave it). SE
    normalisation replaces the batch's, which one or two samples do not support. Each stage takes the result as its last
    source: 19,489,513 parameters, 19,515,438 with deep supervision, which are 166,008 more than the 19,349,430 of the
    published code.

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s); with deep supervision, in training only, a list
    of six such: main output, then one of each decoder stage from fine to coarse, interpolated. Raises ValueError where
    an axis of ``s`` is no multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first encoder level; each further level has twice as many.
        cat_channels: channels of each source; None: ``filters``. The decoder has ``sources * cat_channels``.
        reduction: channels over hidden channels of the SE gates.
        spatial_dims: 2 or 3.
        deep_supervision: heads on all decoder stages.
        sources: 5, or 6.
        checkpointing: compute all blocks again in the backward pass instead of keeping their activations. Interpolated
            features, most of what there is to keep, are made again in any case.
    """

    divisor: ClassVar[int] = SENormEncoder.divisor
    layers: ClassVar[dict[str, str]] = {"bottleneck": "encoder.levels.4", "decoder": "stages.3"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 24,
        cat_channels: int | None = None,
        reduction: int = 2,
        spatial_dims: int = 3,
        deep_supervision: bool = False,
        sources: int = 5,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if sources not in (5, 6):
            raise ValueError(f"sources is {sources!r}; a stage of UNet3Plus takes 5, or 6 with the atrous pyramid")
        self.spatial_dims, self.deep_supervision = spatial_dims, deep_supervision
        self.encoder = SENormEncoder(in_channels, filters, reduction, spatial_dims, checkpointing)
        encoded = self.encoder.channels
        each = filters if cat_channels is None else cat_channels
        width, level = sources * each, (reduction, spatial_dims, checkpointing)
        self.context = Context(encoded[CONTEXT_LEVEL - 2], each, *level) if sources == 6 else None
        self.stages = nn.ModuleList()
        for stage in range(len(encoded) - 1, 0, -1):  # registered in the order in which they run
            channels = [*encoded[:stage], *[width] * (len(encoded) - 1 - stage), encoded[-1]]
            halvings = [stage - source for source in range(1, len(encoded) + 1)]
            if self.context is not None:
                channels, halvings = [*channels, each], [*halvings, stage - CONTEXT_LEVEL]
            self.stages.append(FullScaleStage(channels, halvings, each, *level))
        self.head = conv(spatial_dims, width, out_channels, 1)
        supervised = [width] * len(self.stages) + [encoded[-1]] if deep_supervision else []
        self.supervision = nn.ModuleList(conv(spatial_dims, channels, out_channels, 3) for channels in supervised)

    def features(self, image: Tensor) -> list[Tensor]:
        """What the heads see, from fine to coarse: four of (B, U, *(s / 2**k)), and the encoder's end, k = 4."""
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        levels = self.encoder(image)
        context = [self.context(levels[CONTEXT_LEVEL - 2])] if self.context is not None else []
        for stage, decode in zip(range(len(self.stages), 0, -1), self.stages, strict=True):
            levels[stage - 1] = decode([*levels, *context])  # above it encoder levels, below it decoder stages
        return levels

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        levels = self.features(image)
        logits: Tensor = self.head(levels[0])
        if not (self.deep_supervision and self.training):
            return logits
        heads = zip(self.supervision, levels, strict=True)
        return [logits, *(upsample(head(x), 2**level) for level, (head, x) in enumerate(heads))]
