"""The ways down and up of AnatomyNet, and of the networks without residuals that it was compared with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from hnseg.models.batch_norm_blocks import ActivatedConv, DoubleConv, ResidualPair, kaiming_conv, kaiming_up_conv
from hnseg.models.recompute import Stack, run

Block = Literal["seres", "res", "plain"]
Merge = Literal["concat", "sum"]
LAST_FILTERS = 14  # at full size, of the published residual networks
REDUCTION, REDUCTION_OF_MERGED = 15, 16
"""Channels over hidden channels of squeeze and excitation, in most blocks and in those that merge a skip."""


class Residual(NamedTuple):
    """A published network of residual blocks."""

    filters: int
    step: int  # how many channels more each further level has
    blocks: int  # of a level


RESIDUAL: dict[tuple[Block, Merge], Residual] = {
    ("seres", "concat"): Residual(28, 2, 2),
    ("res", "concat"): Residual(28, 4, 2),
    ("seres", "sum"): Residual(22, 0, 3),
    ("res", "sum"): Residual(22, 0, 3),
}
PLAIN = {1: (32, 40, 48, 56), 2: (48, 96, 112, 128), 3: (64, 128, 256, 288), 4: (64, 128, 256, 512)}
"""Channels of the levels of the published networks without residuals, by how often they halve."""


class UpLevel(nn.Module):
    """Merges ``skip`` (B, S, *t) into ``deep`` (B, D, *s) and runs blocks on both: to (B, C, *t).

    Args:
        up: doubles the size of ``deep``, t = 2 s; identity where both have one size.
        match: brings ``skip`` to the channels of the other, which it is then added to; None: they are concatenated.
        skip_first: order of the concatenation.
        first: block that sees both; with checkpointing computed again together with the merging.
        rest: further blocks.
    """

    def __init__(self, up: nn.Module, match: nn.Module | None, skip_first: bool, first: nn.Module, rest: Stack) -> None:
        super().__init__()
        self.skip_first = skip_first
        # Registered in the order of the original network, so that its weights can be loaded by position.
        self.up, self.match, self.first, self.rest = up, match, first, rest

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.rest(run(self._merge, deep, skip, checkpointing=self.rest.checkpointing))
        return out

    def _merge(self, deep: Tensor, skip: Tensor) -> Tensor:
        deep = self.up(deep)
        if self.match is not None:
            both = self.match(skip) + deep
        else:
            both = torch.cat([skip, deep] if self.skip_first else [deep, skip], dim=1)
        out: Tensor = self.first(both)
        return out


class Paths(NamedTuple):
    """What a network is made of: levels down, levels up (the last at full size), and the channels that they end in."""

    down: list[Stack]
    up: list[UpLevel]
    channels: int


def residual_paths(
    in_channels: int,
    filters: int | None,
    block: Block,
    merge: Merge,
    checkpointing: bool,
    **common: Any,
) -> Paths:
    """Four levels of residual blocks, all at half size, and one block at full size that sees the image again.

    Args:
        filters: of the first level, None: as published. Further levels have more by the published step; the block at
            full size has fewer in the published ratio.
        common: ``spatial_dims`` and ``slope`` of all blocks.
    """
    published, dims = RESIDUAL[block, merge], common["spatial_dims"]
    widest = filters or published.filters
    widths = [widest + published.step * level for level in range(4)]
    squeezed = REDUCTION if block == "seres" else None
    # The authors' shortcut past a merged skip is three voxels wide, or one where squeeze and excitation follow.
    merging = {"reduction": REDUCTION_OF_MERGED} if block == "seres" else {"shortcut_kernel": 3}

    def stack(*first: nn.Module, width: int = 0, more: int = 0) -> Stack:
        rest = (ResidualPair(width, width, reduction=squeezed, **common) for _ in range(more))
        return Stack(*first, *rest, checkpointing=checkpointing)

    down = [stack(ActivatedConv(in_channels, widest, stride=2, **common))]
    for before, width in pairwise(widths):
        entry = ResidualPair(before, width, reduction=squeezed, **common)
        down.append(stack(entry, width=width, more=published.blocks - 1))
    up = []
    for deep, width in pairwise(reversed(widths)):
        match, seen = _meeting(deep, width, merge, dims)
        entry = ResidualPair(seen, width, **merging, **common)
        up.append(UpLevel(nn.Identity(), match, False, entry, stack(width=width, more=published.blocks - 1)))
    doubled, last = max(1, widest // 2), max(1, widest * LAST_FILTERS // published.filters)
    doubling = kaiming_up_conv(widest, doubled, dims)
    match, seen = _meeting(doubled, in_channels, merge, dims)
    end = ResidualPair(seen, last, shortcut_kernel=3, **common)
    return Paths(down, [*up, UpLevel(doubling, match, False, end, stack())], last)


def plain_paths(in_channels: int, filters: int | None, poolings: int, checkpointing: bool, **common: Any) -> Paths:
    """Four levels of two convolutions, the first ``poolings`` of which halve, and one convolution at full size.

    Args:
        filters: of the first level, None: as published; the others keep their published ratio to it.
        common: ``spatial_dims`` and ``slope`` of all blocks.
    """
    published, dims = PLAIN[poolings], common["spatial_dims"]
    widest = filters or published[0]
    widths = [max(1, widest * width // published[0]) for width in published]
    down, up = [], []
    for level, (before, width) in enumerate(zip((in_channels, *widths), widths, strict=False)):
        down.append(
            Stack(DoubleConv(before, width, 2 if level < poolings else 1, **common), checkpointing=checkpointing)
        )
    for level in (2, 1, 0):
        deep, width = widths[level + 1], widths[level]
        halved = level + 1 < poolings
        doubling = kaiming_up_conv(deep, width, dims) if halved else nn.Identity()
        entry = DoubleConv((width if halved else deep) + width, width, **common)
        up.append(UpLevel(doubling, None, True, entry, Stack(checkpointing=checkpointing)))
    last = max(1, widest // 2)
    end = ActivatedConv(in_channels + last, last, bias=True, **common)
    doubling = kaiming_up_conv(widest, last, dims)
    return Paths(down, [*up, UpLevel(doubling, None, True, end, Stack(checkpointing=checkpointing))], last)


def _meeting(deep: int, skip: int, merge: Merge, spatial_dims: int) -> tuple[nn.Module | None, int]:
    """What brings ``skip`` channels to ``deep`` before they are added, if so, and the channels after the merging."""
    if merge == "sum":
        return kaiming_conv(skip, deep, 1, spatial_dims=spatial_dims), deep
    return None, deep + skip
