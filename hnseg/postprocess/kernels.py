"""Gaussian kernels over the voxels of an image: in position, and in position and intensity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor

from hnseg.postprocess.lattice import PermutohedralLattice

Kernel = Callable[[Tensor], Tensor]
"""(C, Z, Y, X) to (C, Z, Y, X), ``out_i = sum_j k_ij in_j`` over all voxels j, ``j = i`` included; linear."""

Normalization = Literal["symmetric", "before", "after"]
Axes = tuple[float, float, float]
KEPT = 2**28
"""Weights of pairs that the window kernel keeps between calls: 1 GiB, which is all of 5^3 voxels in 144^3."""


def position_kernel(shape_zyx: tuple[int, ...], step: Axes, half: int | None, like: Tensor) -> Kernel:
    """``k_ij = exp(-|p_i - p_j|^2 / 2)``, exact; it separates, and each axis is a product with a matrix.

    Args:
        shape_zyx: of the image.
        step: between neighbours along each axis, in standard deviations.
        half: voxels on each side that the kernel reaches along each axis; None: all.
        like: has the dtype and device to use.
    """
    matrices = []
    for size, width in zip(shape_zyx, step, strict=True):
        apart = torch.arange(size, dtype=torch.float64)[:, None] - torch.arange(size, dtype=torch.float64)
        near = apart.abs() <= (size if half is None else half)
        matrices.append((torch.exp(-0.5 * (apart * width) ** 2) * near).to(like))

    def kernel(values: Tensor) -> Tensor:
        shape = values.shape
        z, y, x = matrices
        values = values.reshape(-1, shape[3]) @ x
        values = y @ values.view(-1, *shape[2:])
        return (z @ values.view(shape[0], shape[1], -1)).view(shape)

    return kernel


def bilateral_kernel(intensity: Tensor, step: Axes, start_zyx: tuple[int, ...]) -> Kernel:
    """``k_ij = exp(-|p_i - p_j|^2 / 2 - |v_i - v_j|^2 / 2)`` over all pairs, by a lattice, up to a constant factor.

    Args:
        intensity: (M, Z, Y, X) in standard deviations.
        step: between neighbours along each axis, in standard deviations.
        start_zyx: where the image lies in a larger one, so that a part of it meets the same lattice as the whole.
    """
    shape = intensity.shape[1:]
    places = [
        (torch.arange(size, device=intensity.device) + start) * width
        for size, width, start in zip(shape, step, start_zyx, strict=True)
    ]
    grids = torch.meshgrid(*places, indexing="ij")
    # an axis of one voxel holds no distance, and each dimension fewer makes the lattice cheaper and nearer the truth
    position = [grid.flatten() for grid, size in zip(grids, shape, strict=True) if size > 1]
    lattice = PermutohedralLattice(torch.stack([*position, *intensity.flatten(1)]).to(intensity))

    def kernel(values: Tensor) -> Tensor:
        return lattice.filter(values.flatten(1)).view_as(values)

    return kernel


def window_kernel(intensity: Tensor, step: Axes, half: int) -> Kernel:
    """The bilateral kernel between voxels at most ``half`` voxels apart along every axis, exact.

    Every pair is computed once, for both of its voxels, and as many as :data:`KEPT` holds never again.

    Args:
        intensity: (M, Z, Y, X) in standard deviations.
        step: between neighbours along each axis, in standard deviations.
        half: (window - 1) / 2.
    """

    pairs = list(_pairs(intensity.shape[1:], step, half))
    kept: list[Tensor] = []
    most = KEPT // intensity[0].numel()

    def weights(number: int) -> Tensor:
        if number < len(kept):
            return kept[number]
        here, there, position = pairs[number]
        apart = (intensity[here] - intensity[there]).square_().sum(dim=0)
        weight = apart.mul_(-0.5).exp_().mul_(position)
        if number < most:
            kept.append(weight)
        return weight

    def kernel(values: Tensor) -> Tensor:
        out = values.clone()
        for number, (here, there, _) in enumerate(pairs):
            weight = weights(number)
            out[here].addcmul_(weight, values[there])
            out[there].addcmul_(weight, values[here])
        return out

    return kernel


def _pairs(
    shape_zyx: tuple[int, ...], step: Axes, half: int
) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...], float]]:
    """Two overlapping views (C, ...) and the position's weight, for every offset whose opposite has not come."""
    for offset in itertools.product(range(-half, half + 1), repeat=3):
        if offset <= (0, 0, 0) or any(abs(o) >= size for o, size in zip(offset, shape_zyx, strict=True)):
            continue
        here = tuple(slice(max(0, -o), size - max(0, o)) for o, size in zip(offset, shape_zyx, strict=True))
        there = tuple(slice(max(0, o), size - max(0, -o)) for o, size in zip(offset, shape_zyx, strict=True))
        squared = sum((o * width) ** 2 for o, width in zip(offset, step, strict=True))
        yield (slice(None), *here), (slice(None), *there), math.exp(-0.5 * squared)


def normalized(kernel: Kernel, normalization: Normalization, weight: float, like: Tensor) -> Kernel:
    """``weight`` times the kernel over its sums ``s_i = sum_j k_ij``; a constant factor of the kernel cancels.

    ``symmetric`` divides by ``sqrt(s_i s_j)``, ``before`` by ``s_j``, ``after`` by ``s_i``.

    Args:
        like: (C, Z, Y, X), has the shape, dtype and device to use.
    """
    sums = kernel(torch.ones_like(like[:1])).clamp_min_(1e-20)
    before, after = {
        "symmetric": (sums.rsqrt(), sums.rsqrt()),
        "before": (1 / sums, torch.ones_like(sums)),
        "after": (torch.ones_like(sums), 1 / sums),
    }[normalization]
    after = weight * after
    return lambda values: kernel(values * before).mul_(after)
