"""One network at work: a prepared image in raw units in, probabilities out, in one pass or by windows."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from hnseg.inference.padding import next_multiple
from hnseg.inference.settings import InferenceSettings
from hnseg.inference.sliding_window import sliding_window
from hnseg.inference.tta import mirrored
from hnseg.inference.whole import whole_image
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import FILL

Precision = Literal["32", "bf16", "16"]
AUTOCAST: dict[str, torch.dtype | None] = {"32": None, "bf16": torch.bfloat16, "16": torch.float16}
SIDED = re.compile(r"(^|[_\W])(l|r|left|right)($|[_\W])", re.IGNORECASE)
"""Names of structures of one side, such as ``Parotid_L``: mirroring left and right would swap them."""


class Runner:
    """A network, what goes before it (normalisation) and after it (activation), and how it walks over an image.

    Training code makes one around the network that it trains; prediction makes one a checkpoint.

    Args:
        network: (B, C, *s) normalised to logits (B, K, *s); in evaluation mode, on ``device``.
        labels: what the channels stand for.
        normalization: applied to every window by itself; its ``spatial_dims`` says whether the network is a 2-D one.
        settings: one pass or windows; ``tta: mirror`` averages over mirror images (left and right only where no
            structure has a side).
        whole_up_to_zyx: with ``mode: auto``, the largest image that gets one pass (the recipe's ``box_shape_zyx``).
        device: where the network is.
        precision: ``32``, or ``bf16`` or ``16`` for mixed precision.
        batch_size: windows, or slices, in one call.

    Raises:
        ValueError: a window that the network cannot take; an unknown precision.
    """

    def __init__(
        self,
        network: nn.Module,
        labels: LabelSet,
        normalization: Normalization,
        settings: InferenceSettings,
        *,
        whole_up_to_zyx: tuple[int, int, int] | None = None,
        device: torch.device | str = "cpu",
        precision: Precision = "32",
        batch_size: int = 1,
    ) -> None:
        if precision not in AUTOCAST:
            raise ValueError(f"precision {precision!r} is not known; use one of {list(AUTOCAST)}")
        self.network, self.labels, self.normalization, self.settings = network, labels, normalization, settings
        self.whole_up_to_zyx, self.device, self.precision = whole_up_to_zyx, torch.device(device), precision
        self.batch_size = batch_size
        self.flat = normalization.spatial_dims == 2
        if self.flat:  # a slice at a time, however high the window
            self.settings = replace(settings, window_zyx=(1, *settings.window_zyx[1:]))
        self.fill = tuple(FILL.get(modality, 0.0) for modality in normalization.modalities)
        self.divisor_zyx = _divisor(network, self.flat)
        self._probabilities: Callable[[Tensor], Tensor] = self._once
        if settings.tta == "mirror":
            self._probabilities = mirrored(self._once, self._mirror_axes())
        self._check_window()

    @torch.no_grad()
    def __call__(self, image: Tensor, progress: Callable[[int, int], None] | None = None) -> Tensor:
        """Probabilities (channels, Z, Y, X) of an image (C, Z, Y, X) in HU and SUV, on the image's device, float32."""
        window: tuple[int, ...] = self.settings.window_zyx
        if self.in_one_pass(tuple(image.shape[1:])):
            if not self.flat:
                return whole_image(self._probabilities, image, self.divisor_zyx, self.fill, self.device)
            window = (1, *next_multiple(image.shape[2:], self.divisor_zyx[1:]))
        return sliding_window(
            self._probabilities,
            image,
            window,
            self.settings.overlap,
            self.settings.weighting,
            self.batch_size,
            self.fill,
            self.device,
            progress=progress,
        )

    def in_one_pass(self, shape_zyx: tuple[int, ...]) -> bool:
        """Whether an image of this shape goes through the network at once (a 2-D network: each slice at once)."""
        if self.settings.mode != "auto":
            return self.settings.mode == "whole"
        limit = self.whole_up_to_zyx
        return limit is not None and all(have <= most for have, most in zip(shape_zyx, limit, strict=True))

    def _once(self, window: Tensor) -> Tensor:
        """(B, C, *window) in HU and SUV to probabilities (B, channels, *window), float32."""
        image = self.normalization(window.squeeze(2) if self.flat else window)
        with self._autocast():
            logits = self.network(image)
        probabilities = self.labels.activate(logits.float())
        return probabilities.unsqueeze(2) if self.flat else probabilities

    def _autocast(self) -> AbstractContextManager[object]:
        dtype = AUTOCAST[self.precision]
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype)

    def _mirror_axes(self) -> tuple[int, ...]:
        axes = (1, 2) if self.flat else (0, 1, 2)
        return axes[:-1] if any(SIDED.search(name) for name in self.labels.names) else axes

    def _check_window(self) -> None:
        window = self.settings.window_zyx
        if self.settings.mode == "whole":
            return
        if any(width % by for width, by in zip(window, self.divisor_zyx, strict=True)):
            raise ValueError(f"window {list(window)}: the network needs multiples of {list(self.divisor_zyx)} voxels")


def _divisor(network: nn.Module, flat: bool) -> tuple[int, int, int]:
    """What the network wants the axes of a window to be multiples of; 1 where it does not say."""
    by = int(getattr(network, "divisor", 1))
    return (1 if flat else by, by, by)
