"""One network at work: a prepared image in raw units in, probabilities out, in one pass or by windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hnseg.clicks import ClickChannels, NoClicks
from hnseg.inference.settings import InferenceSettings
from hnseg.inference.slices import joined, slice_by_slice
from hnseg.inference.sliding_window import finished_slabs, sliding_window
from hnseg.inference.tta import mirrored
from hnseg.inference.whole import whole_image
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import FILL
from hnseg.sides import sided
from hnseg.types import Clicks

Progress = Callable[[int, int], None]
Precision = Literal["32", "bf16", "16"]
AUTOCAST: dict[str, torch.dtype | None] = {"32": None, "bf16": torch.bfloat16, "16": torch.float16}


class Runner:
    """A network, what goes before it (normalisation) and after it (activation), and how it walks over an image.

    Training code makes one around the network that it trains; prediction makes one a checkpoint.

    Args:
        network: (B, C, *s) normalised to logits (B, K, *s); in evaluation mode, on ``device``.
        labels: what the channels stand for.
        normalization: applied to every window by itself; its ``spatial_dims`` says whether the network is a 2-D one.
        settings: one pass or windows (without a window always one pass); ``tta: mirror`` averages over mirror
            images (left and right only where no structure has a side).
        whole_up_to_zyx: with ``mode: auto``, the largest image that gets one pass (the recipe's ``box_shape_zyx``).
        device: where the network is.
        precision: ``32``, or ``bf16`` or ``16`` for mixed precision.
        batch_size: windows, or slices, in one call.
        clicks: how the network is shown clicks, if it takes any.

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
        clicks: ClickChannels | NoClicks | None = None,
    ) -> None:
        if precision not in AUTOCAST:
            raise ValueError(f"precision {precision!r} is not known; use one of {list(AUTOCAST)}")
        self.network, self.labels, self.normalization, self.settings = network, labels, normalization, settings
        self.whole_up_to_zyx, self.device, self.precision = whole_up_to_zyx, torch.device(device), precision
        self.batch_size, self.clicks = batch_size, clicks or NoClicks()
        self.flat = normalization.spatial_dims == 2
        if self.flat and settings.window_zyx is not None:  # a slice at a time, however high the window
            self.settings = replace(settings, window_zyx=(1, *settings.window_zyx[1:]))
        self.fill = (*(FILL.get(name, 0.0) for name in normalization.modalities), *(0.0,) * self.clicks.channels)
        self.divisor_zyx = _divisor(network, self.flat)
        self._probabilities: Callable[[Tensor], Tensor] = self._once
        if settings.tta == "mirror":
            self._probabilities = mirrored(self._once, self._mirror_axes())
        self._check_window()

    @torch.no_grad()
    def __call__(self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None) -> Tensor:
        """Probabilities (channels, Z, Y, X) of an image (C, Z, Y, X) in HU and SUV, on the image's device, float32.

        A network that takes clicks sees ``clicks`` (in voxels of the image), or that there are none.
        """
        image = self.with_clicks(image, clicks)
        if not self.in_one_pass(tuple(image.shape[1:])):
            return sliding_window(self._probabilities, image, **self._walk(), progress=progress)
        return joined(self._slices(image, progress), image.shape[1]) if self.flat else self._at_once(image)

    @torch.no_grad()
    def slabs(self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None) -> Iterator[Tensor]:
        """The same probabilities, (channels, slices, Y, X) at a time from the first slice to the last.

        Where windows overlap, and for a 2-D network, only the slices that are not finished are in memory. A slab is
        good until the next one is asked for.
        """
        image = self.with_clicks(image, clicks)
        if not self.in_one_pass(tuple(image.shape[1:])):
            yield from finished_slabs(self._probabilities, image, **self._walk(), progress=progress)
        elif self.flat:
            yield from self._slices(image, progress)
        else:
            yield self._at_once(image)

    def in_one_pass(self, shape_zyx: tuple[int, ...]) -> bool:
        """Whether an image of this shape goes through the network at once (a 2-D network: each slice at once)."""
        if self.settings.window_zyx is None:
            return True
        if self.settings.mode != "auto":
            return self.settings.mode == "whole"
        limit = self.whole_up_to_zyx
        return limit is not None and all(have <= most for have, most in zip(shape_zyx, limit, strict=True))

    def logits(self, window: Tensor) -> Tensor:
        """(B, C, *window) in HU and SUV, clicks included, to what the network says of it; of a 2-D one (B, K, Y, X)."""
        image = self.normalization(window.squeeze(2) if self.flat else window)
        with self._autocast():
            answer: Tensor = self.network(image)
        return answer

    def with_clicks(self, image: Tensor, clicks: Clicks | None) -> Tensor:
        """The image with its click channels behind, as the network had it in training."""
        if not self.clicks.channels:
            return image
        shown = clicks or Clicks.none((1.0, 1.0, 1.0))
        return torch.cat([image, self.clicks.encode(shown, tuple(image.shape[1:])).to(image)])

    def _at_once(self, image: Tensor) -> Tensor:
        return whole_image(self._probabilities, image, self.divisor_zyx, self.fill, self.device)

    def _slices(self, image: Tensor, progress: Progress | None) -> Iterator[Tensor]:
        by, how = self.divisor_zyx[1:], (self.batch_size, self.device, progress)
        return slice_by_slice(self._probabilities, image, by, self.fill, *how)

    def _walk(self) -> dict[str, Any]:
        """How windows are laid over an image, as `sliding_window` and `finished_slabs` take it."""
        said = self.settings
        return {
            "window_zyx": said.window_zyx,
            "overlap": said.overlap,
            "weighting": said.weighting,
            "batch_size": self.batch_size,
            "fill": self.fill,
            "device": self.device,
        }

    def _once(self, window: Tensor) -> Tensor:
        """(B, C, *window) in HU and SUV to probabilities (B, channels, *window), float32."""
        probabilities = self.labels.activate(self.logits(window).float())
        return probabilities.unsqueeze(2) if self.flat else probabilities

    def _autocast(self) -> AbstractContextManager[object]:
        dtype = AUTOCAST[self.precision]
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype)

    def _mirror_axes(self) -> tuple[int, ...]:
        axes = (1, 2) if self.flat else (0, 1, 2)
        return axes[:-1] if sided(self.labels.names) else axes

    def _check_window(self) -> None:
        window = self.settings.window_zyx
        if window is None or self.settings.mode == "whole":
            return
        if any(width % by for width, by in zip(window, self.divisor_zyx, strict=True)):
            raise ValueError(f"window {list(window)}: the network needs multiples of {list(self.divisor_zyx)} voxels")


def _divisor(network: nn.Module, flat: bool) -> tuple[int, int, int]:
    """What the network wants the axes of a window to be multiples of; 1 where it does not say."""
    by = int(getattr(network, "divisor", 1))
    return (1 if flat else by, by, by)
