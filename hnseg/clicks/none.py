"""A network that takes no clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.clicks.simulate import SpacingMm
from hnseg.types import Clicks


class NoClicks:
    """A network that is shown images alone.

    Args:
        channels: 0, said because the configuration counts it.
    """

    structures = 0
    negatives = 0
    most: int | None = 0
    simulate = "none"

    def __init__(self, channels: int = 0) -> None:
        if channels != 0:
            raise ValueError(f"clicks=none has no channels; got channels={channels}; choose clicks=point, edt, ...")
        self.channels = channels

    def draw(
        self,
        label: NDArray[Any] | Tensor,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
        image: NDArray[Any] | Tensor | None = None,  # noqa: ARG002
        *,
        spacing_mm: SpacingMm,
    ) -> Clicks:
        return Clicks.none(spacing_mm)

    def encode(self, clicks: Clicks, shape: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        return torch.zeros((0, *shape))

    def correct(
        self,
        channels: Tensor,
        prediction: Tensor,  # noqa: ARG002
        target: Tensor,  # noqa: ARG002
        spacing_mm: Tensor | Sequence[float],  # noqa: ARG002
    ) -> Tensor:
        return channels

    def to_dict(self) -> None:
        return None
