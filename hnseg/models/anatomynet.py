"""AnatomyNet: a U-Net for whole head-and-neck CT that halves once, and the networks that it was compared with."""

from __future__ import annotations

from typing import ClassVar, get_args

from torch import Tensor, nn

from hnseg.models.anatomynet_paths import PLAIN, Block, Merge, plain_paths, residual_paths
from hnseg.models.batch_norm_blocks import SLOPES, Activation, kaiming_conv
from hnseg.models.blocks import check_image, check_spatial_dims


class AnatomyNet(nn.Module):
    """U-Net of squeeze-and-excitation residual blocks with batch normalisation, all but its two ends at half size.

    Zhu et al. 2018, "AnatomyNet", arXiv:1808.05238, doi:10.1002/mp.13300: 734,417 parameters with 1 input channel and
    10 outputs. The networks of its comparisons have ReLU: ``block="res"`` 1,049,084, with ``merge="sum"`` 493,639;
    ``block="seres", merge="sum"`` 494,845; ``block="plain"`` with 1 to 4 poolings 819,674, 4,005,698, 15,234,986 and
    22,450,218. The paper describes them in outline; layers and widths are those of the authors' code, where the end at
    full size has 14 channels (paper: 16) and plain networks get wider with their poolings (paper: 32 to 56 in all).
    Departures: returns logits; also in 2-D; other widths.

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s). While it trains it normalises by the statistics
    of the batch, for which one image suffices; in evaluation mode by the running ones, which the authors never used.
    Raises ValueError where an axis of ``s`` is no multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first level; None: as published, 28 for AnatomyNet. For other widths the rule is ours:
            further levels of AnatomyNet have 2 more each (with "res" 4 more, with "sum" none), those of "plain" and
            the end at full size keep their ratio, a hidden layer of squeeze and excitation has at least one channel.
        block: "seres"; "res": no squeeze and excitation; "plain": no residuals either.
        merge: skips are concatenated ("concat"), or added after a 1-voxel convolution ("sum"; not with "plain").
        poolings: how often the size is halved; 1, with "plain" up to 4.
        activation: "leaky" (slope 0.01, their script named AnatomyNet) or "relu" (their other networks).
        spatial_dims: 2 or 3.
        checkpointing: compute the blocks again in the backward pass instead of keeping their activations.

    Attributes:
        divisor: every axis of the input must be a multiple of it: 2**poolings. The authors padded to multiples of 8, of
            16 with 4 poolings.
    """

    layers: ClassVar[dict[str, str]] = {"bottleneck": "down.3", "decoder": "up.3"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int | None = None,
        block: Block = "seres",
        merge: Merge = "concat",
        poolings: int = 1,
        activation: Activation = "leaky",
        spatial_dims: int = 3,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        _check_variant(block, merge, poolings, activation)
        self.spatial_dims, self.divisor = spatial_dims, 2**poolings
        common = {"spatial_dims": spatial_dims, "slope": SLOPES[activation]}
        if block == "plain":
            down, up, channels = plain_paths(in_channels, filters, poolings, checkpointing, **common)
        else:
            down, up, channels = residual_paths(in_channels, filters, block, merge, checkpointing, **common)
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)
        self.head = kaiming_conv(channels, out_channels, spatial_dims=spatial_dims)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        features = [image]
        for level in self.down:
            features.append(level(features[-1]))
        x = features.pop()
        for level in self.up:
            x = level(x, features.pop())
        return self.head(x)


def _check_variant(block: str, merge: str, poolings: int, activation: str) -> None:
    """Raise ValueError where the arguments are none of the published networks."""
    for name, value, choices in (
        ("block", block, get_args(Block)),
        ("merge", merge, get_args(Merge)),
        ("activation", activation, tuple(SLOPES)),
        ("poolings", poolings, tuple(PLAIN)),
    ):
        if value not in choices:
            raise ValueError(f"{name} is {value!r}; AnatomyNet has {', '.join(map(str, choices))}")
    if block == "plain" and merge == "sum":
        raise ValueError("merge is 'sum' with block 'plain'; only residual blocks add their skips, use merge='concat'")
    if block != "plain" and poolings > 1:
        raise ValueError(f"poolings is {poolings} with block {block!r}; only block='plain' halves more than once")
