"""Deep features: what a layer of a trained network says of a patient, averaged over the whole prepared image."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.ensemble import Ensemble
from hnseg.inference.options import Hardware
from hnseg.inference.padding import next_multiple
from hnseg.inference.windows import Windows, lay_out
from hnseg.models.layers import find_layer
from hnseg.prepare import Case

UNSCALED = ("jain2020", "rainio2024")
"""Regions of a recipe in which its spacing plays no part."""
CLOSE = 1e-3
"""Part of a voxel by which a prepared case may differ from the recipe's voxels: the rounding of a file's header."""


class _Enough(Exception):  # noqa: N818
    """The layer was reached; what comes behind it is not needed."""


class LayerMeans:
    """The mean of every map of one layer: the deep features of Bourigault et al. 2022, section 2.1.

    Source: doi:10.1007/978-3-030-98253-9_18, where the maps of "the 5th convolutional layer" are averaged over the box.
    There were 144, which of all layers only the decoder stages with six sources have.

    An image is prepared, normalised and padded, and goes through in one pass or by windows, as when the checkpoint
    predicts; nothing is mirrored, click channels are empty, and the network is in evaluation mode.

    In one pass it is the plain mean of each map. Where windows overlap, each voxel counts once, shared equally by the
    windows that see it, and a value of a map counts by the voxels that it stands for.

    What is padded up to the network's divisor (air, no uptake) counts as what it stands for, the outside of the
    patient: an image that lacks a border of air has the features of one that has it. To cut padding out of the maps
    was tried and changes features more: networks that normalise over an image pin the mean of the whole map, and not
    that of a part. Of random networks and images of 48^3 voxels, one voxel cut off on every side, to be padded again,
    moved the median feature by 0.1 to 0.6 standard deviations between patients, and with the padding cut out by 0.2 to
    7.1. Boxes of a fixed size that the divisor divides, which is the default, are never padded.

    Args:
        checkpoint: the trained network.
        layer: ``bottleneck``, ``decoder``, or the path of a module; see `find_layer`.
        hardware: see `Hardware`.

    Attributes:
        path: of the layer's module.

    Raises:
        ValueError: the network cannot be built, or has no such layer.
    """

    def __init__(self, checkpoint: Checkpoint, layer: str, **hardware: Unpack[Hardware]) -> None:
        self.checkpoint = checkpoint
        (self._runner,) = Ensemble([checkpoint], **hardware).runners
        self.path, self._module = find_layer(self._runner.network, layer)
        self._applied_once = False  # not known before an image went through the whole network

    def of_case(self, case: Case) -> NDArray[np.float64]:
        """(maps,) of a prepared case; neither its label map nor anything else that is known of the patient enters.

        Raises:
            ValueError: the case was prepared otherwise than the network's, or as of calling.
        """
        recipe = self.checkpoint.recipe
        if case.modalities != recipe.modalities:
            raise ValueError(
                f"{case.folder} has the images {list(case.modalities)}, the network of {self.checkpoint.path} takes "
                f"{list(recipe.modalities)}; prepare the patients with the recipe of the network"
            )
        steps = zip(case.grid.spacing_mm, recipe.spacing_mm, strict=True)
        if not set(recipe.regions) & set(UNSCALED) and any(abs(a - b) > CLOSE * b for a, b in steps):
            raise ValueError(
                f"{case.folder} has voxels of {case.grid.spacing_mm} mm, the network of {self.checkpoint.path} takes "
                f"{recipe.spacing_mm} mm (z, y, x); prepare the patients with the recipe of the network"
            )
        return self(torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0]))

    @torch.no_grad()
    def __call__(self, image: Tensor) -> NDArray[np.float64]:
        """(maps,) of an image (C, Z, Y, X) in HU and SUV, prepared with the checkpoint's recipe.

        Raises:
            ValueError: what the layer gives is not finite, no maps, or several times an image.
        """
        windows = self._laid_out(self._runner.with_clicks(image, None))
        shares = _shares(windows)
        total: NDArray[np.float64] | float = 0.0
        for places in windows.calls():
            batch = torch.stack([windows.image[(slice(None), *place)] for place in places])
            for maps, place in zip(self._maps(batch.to(self._runner.device)), places, strict=True):
                total = total + _sums(maps, [share[part] for share, part in zip(shares, place, strict=True)])
        means = np.asarray(total) / math.prod(windows.image.shape[1:])
        if not np.isfinite(means).all():
            raise ValueError(f"layer {self.path} of {self.checkpoint.path} is not finite; use precision=32")
        return means

    def _laid_out(self, image: Tensor) -> Windows:
        """What the network sees at a time: the padded image, each of its slices, or windows."""
        runner, shape = self._runner, tuple(image.shape[1:])
        window, overlap = runner.settings.window_zyx, runner.settings.overlap
        if window is None or runner.in_one_pass(shape):
            padded = next_multiple(shape, runner.divisor_zyx)
            window, overlap = (1 if runner.flat else padded[0], padded[1], padded[2]), 0.0
        return lay_out(image, window, overlap, "constant", runner.batch_size, runner.fill)

    def _maps(self, batch: Tensor) -> Tensor:
        """What the layer makes of windows (B, C, *window); once it is known to work once, nothing behind it does."""
        made: list[Any] = []

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            made.append(output)
            if self._applied_once:
                raise _Enough

        handle = self._module.register_forward_hook(keep)
        try:
            with suppress(_Enough):
                self._runner.logits(batch)
        finally:
            handle.remove()
        maps = made[0] if len(made) == 1 else None
        if not isinstance(maps, Tensor) or maps.ndim != batch.ndim - self._runner.flat or len(maps) != len(batch):
            gives = f"is used {len(made)} times an image" if len(made) != 1 else "gives no maps of the image"
            raise ValueError(
                f"layer {self.path} of {self.checkpoint.net['_target_']} {gives}; name a layer that is used once and "
                "gives maps, such as bottleneck or decoder"
            )
        self._applied_once = True
        return maps


def _shares(windows: Windows) -> list[NDArray[np.float64]]:
    """For each axis how much a voxel counts in each window; the product over the axes is one over its windows."""
    shares = []
    for size, starts, width in zip(windows.image.shape[1:], windows.starts, windows.weight.shape, strict=True):
        seen = np.zeros(size)
        for start in starts:
            seen[start : start + width] += 1
        shares.append(1 / seen)
    return shares


def _sums(maps: Tensor, shares: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(K,): the sum of maps (K, *m) over a window, each value by the shares of the voxels that it stands for."""
    sums = maps.float()
    flat = maps.ndim == len(shares)  # maps of one slice, (K, y, x)
    for share in reversed(shares[1:] if flat else shares):
        sums = sums @ torch.from_numpy(_pooled(share, sums.shape[-1])).to(sums)
    return np.asarray(sums.double().cpu().numpy() * (shares[0].sum() if flat else 1.0))


def _pooled(share: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """The sum of (n,) in each of ``bins`` equal parts, which may begin and end within a voxel."""
    until = np.concatenate([[0.0], np.cumsum(share)])
    edges = np.linspace(0, len(share), bins + 1)
    return np.diff(np.interp(edges, np.arange(len(share) + 1), until))
