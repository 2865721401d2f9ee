"""Building blocks with batch normalisation: those of AnatomyNet and of the networks that it was compared with."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hnseg.models.blocks import conv

Activation = Literal["leaky", "relu"]
SLOPES: dict[str, float] = {"leaky": 0.01, "relu": 0.0}
"""What a value below zero is multiplied by."""


def activate(x: Tensor, slope: float) -> Tensor:
    """ReLU, leaky by ``slope``, in the place of ``x``: what comes before it here never needs its own result again."""
    return F.leaky_relu_(x, slope) if slope else F.relu_(x)


def kaiming_conv(
    in_channels: int, out_channels: int, kernel_size: int = 3, *, spatial_dims: int, stride: int = 1, bias: bool = True
) -> nn.Module:
    """:func:`hnseg.models.blocks.conv` with weights from He et al. 2015, arXiv:1502.01852, normally distributed."""
    layer = conv(spatial_dims, in_channels, out_channels, kernel_size, stride=stride, bias=bias)
    nn.init.kaiming_normal_(layer.weight)
    return layer


def kaiming_up_conv(in_channels: int, out_channels: int, spatial_dims: int) -> nn.Module:
    """Transposed convolution, kernel 2, stride 2, that doubles the size; weights as those of :func:`kaiming_conv`."""
    layer = (nn.ConvTranspose3d if spatial_dims == 3 else nn.ConvTranspose2d)(in_channels, out_channels, 2, stride=2)
    nn.init.kaiming_normal_(layer.weight)
    return layer


class NormedConv(nn.Module):
    """Convolution, then batch normalisation (eps 1e-5): (B, in_channels, *s) to (B, out_channels, *(s / stride)).

    Statistics of the batch while it trains, the running ones (momentum 0.1) in evaluation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        spatial_dims: int,
        stride: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = kaiming_conv(
            in_channels, out_channels, kernel_size, spatial_dims=spatial_dims, stride=stride, bias=bias
        )
        self.norm = (nn.BatchNorm3d if spatial_dims == 3 else nn.BatchNorm2d)(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x))
        return normed


class ActivatedConv(NormedConv):
    """:class:`NormedConv` of 3 voxels and a ReLU, leaky by ``slope``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        spatial_dims: int,
        slope: float,
        stride: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, spatial_dims=spatial_dims, stride=stride, bias=bias)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return activate(super().forward(x), self.slope)


class DoubleConv(nn.Sequential):
    """Two :class:`ActivatedConv`, the first with ``stride``: (B, in_channels, *s) to (B, out_channels, *(s / stride)).

    What the networks without residuals are made of.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, spatial_dims: int, slope: float
    ) -> None:
        first = ActivatedConv(in_channels, out_channels, spatial_dims=spatial_dims, slope=slope, stride=stride)
        super().__init__(first, ActivatedConv(out_channels, out_channels, spatial_dims=spatial_dims, slope=slope))


class SqueezeExcitation(nn.Module):
    """Multiplies each channel by a number in (0, 1) that follows from the means of all channels: (B, C, *s) to itself.

    Hu et al. 2018, arXiv:1709.01507. Linear layers, unlike the convolutions of :class:`hnseg.models.blocks.SEGate`:
    tensors then have the shapes of the authors'. The hidden layer has C // ``reduction`` channels, at least one.
    """

    def __init__(self, channels: int, reduction: int, slope: float) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.slope = slope
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        hidden = activate(self.squeeze(x.mean(dim=tuple(range(2, x.ndim)))), self.slope)
        gate = torch.sigmoid(self.excite(hidden))
        return x * gate.reshape(*gate.shape, *[1] * (x.ndim - 2))


class ResidualPair(nn.Module):
    """Two normed convolutions, squeeze and excitation if ``reduction``, plus the input, then ReLU.

    The ReLU between and after is leaky by ``slope``. Where the channels change the input goes through a
    :class:`NormedConv` of ``shortcut_kernel``. Forward: (B, in_channels, *s) to (B, out_channels, *s).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        spatial_dims: int,
        slope: float,
        reduction: int | None = None,
        shortcut_kernel: int = 1,
    ) -> None:
        super().__init__()
        self.slope = slope
        # Registered in the order of the original network, so that its weights can be loaded by position.
        self.first = ActivatedConv(in_channels, out_channels, spatial_dims=spatial_dims, slope=slope)
        self.second = NormedConv(out_channels, out_channels, spatial_dims=spatial_dims)
        self.scale = SqueezeExcitation(out_channels, reduction, slope) if reduction else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = NormedConv(in_channels, out_channels, shortcut_kernel, spatial_dims=spatial_dims)

    def forward(self, x: Tensor) -> Tensor:
        return activate(self.scale(self.second(self.first(x))) + self.shortcut(x), self.slope)
