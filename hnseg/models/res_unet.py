"""The residual U-Net of Jain and Virtanen, which halves the image before its first features."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from hnseg.models.blocks import check_image, check_spatial_dims, conv, instance_normalise, up_conv
from hnseg.models.recompute import Stack, run

LEVELS = 5


class ConvUnit(nn.Module):
    """``layer``, instance normalisation without weights, PReLU with one slope for all channels (at first 0.25)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.activation = layer, nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        activated: Tensor = self.activation(instance_normalise(self.layer(x)))
        return activated


class ResidualUnit(nn.Module):
    """``units``, one after the other, plus ``shortcut`` of their input; nothing after the sum."""

    def __init__(self, *units: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.units, self.shortcut = nn.Sequential(*units), shortcut

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.units(x) + self.shortcut(x)
        return total


class UpUnit(nn.Module):
    """Merges ``deep`` (B, D, *s) behind ``skip`` (B, S, *s) and doubles the size: to (B, out_channels, *(2 s)).

    Args:
        in_channels: S + D.
        residual: one more convolution beside an identity.
        last: what comes out is not normalised and activated.
    """

    def __init__(
        self, in_channels: int, out_channels: int, residual: bool, last: bool, spatial_dims: int, checkpointing: bool
    ) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        up = up_conv(spatial_dims, in_channels, out_channels)
        self.up = up if last and not residual else ConvUnit(up)
        self.refine: nn.Module = nn.Identity()
        if residual:
            layer = conv(spatial_dims, out_channels, out_channels, 3)
            self.refine = ResidualUnit(layer if last else ConvUnit(layer), shortcut=nn.Identity())

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        return run(self._merge, deep, skip, checkpointing=self.checkpointing)

    def _merge(self, deep: Tensor, skip: Tensor) -> Tensor:
        refined: Tensor = self.refine(self.up(torch.cat([skip, deep], dim=1)))
        return refined


class ResUNet(nn.Module):
    """U-Net of residual units with strided convolutions; no skip has the size of the image.

    Jain, Virtanen 2020, "Head and Neck CT Image Segmentation", github.com/MrinalJain17/CT-image-segmentation, which
    took it from MONAI; after Kerfoot et al. 2019, doi:10.1007/978-3-030-12029-0_40. Parameters with 1 input channel and
    10 outputs: 25,980,905 with 2 residual units (Model L), 13,408,292 with 1 (Model M), 10,557,650 with none (the
    "standard U-Net" of Fig. 7); with 3 input channels 25,983,209, 13,410,596, 10,558,802. Departures: also in 3-D; the
    1x1 convolution that the authors always create and use for their downsampling switch alone is left out (its 4
    parameters are in none of these numbers).

    Forward: image (B, in_channels, *s) to logits (B, out_channels, *s). Raises ValueError where an axis of ``s`` is no
    multiple of ``divisor`` or the deepest level would be a single voxel.

    Args:
        filters: channels of the first level; each further level has twice as many.
        residual_units: convolutions of a level on the way down beside its shortcut; 0: one convolution without any.
        spatial_dims: 2 or 3.
        checkpointing: compute the units again in the backward pass instead of keeping their activations.
    """

    divisor: ClassVar[int] = 2 ** (LEVELS - 1)
    # the last unit of the way up gives the logits themselves, so that the one before it is the last decoder stage
    layers: ClassVar[dict[str, str]] = {"bottleneck": "down.4", "decoder": "up.2"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        filters: int = 64,
        residual_units: int = 2,
        spatial_dims: int = 2,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        if residual_units < 0:
            raise ValueError(f"residual_units is {residual_units}; use 0 for none, 1 or 2")
        self.spatial_dims = spatial_dims
        widths = [filters * 2**level for level in range(LEVELS)]
        # Registered in the order of the original network, so that its weights can be loaded by position.
        self.down = nn.ModuleList()
        for level, (before, width) in enumerate(pairwise([in_channels, *widths])):
            stride = 2 if level < LEVELS - 1 else 1
            unit = _down_unit(before, width, stride, residual_units, spatial_dims)
            self.down.append(Stack(unit, checkpointing=checkpointing))
        self.up = nn.ModuleList()
        outs, deep = [out_channels, *widths[:-2]], widths[-1]
        for level in range(LEVELS - 2, -1, -1):
            given, last = widths[level] + deep, level == 0
            self.up.append(UpUnit(given, outs[level], residual_units > 0, last, spatial_dims, checkpointing))
            deep = outs[level]

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.spatial_dims, self.divisor, type(self).__name__)
        features, x = [], image
        for level in self.down:
            x = level(x)
            features.append(x)
        features.pop()
        for level in self.up:
            x = level(x, features.pop())
        return x


def _down_unit(in_channels: int, out_channels: int, stride: int, residual_units: int, spatial_dims: int) -> nn.Module:
    """Convolutions, the first with ``stride``, and beside them one that only brings the input to their size."""
    units = [ConvUnit(conv(spatial_dims, in_channels, out_channels, 3, stride=stride))]
    if residual_units == 0:
        return units[0]
    units += [ConvUnit(conv(spatial_dims, out_channels, out_channels, 3)) for _ in range(residual_units - 1)]
    kernel_size = 1 if stride == 1 else 3
    return ResidualUnit(*units, shortcut=conv(spatial_dims, in_channels, out_channels, kernel_size, stride=stride))
