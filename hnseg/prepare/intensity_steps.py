"""What may be done to a modality before a network sees it; ``axes`` are the spatial ones of ``values``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CONSTANT = 1e-6
"""A standard deviation, or a range, of this or less is what rounding leaves of a constant patch."""


@dataclass(frozen=True)
class ClipScale:
    """Clip to ``[low, high]`` and bring that range to [-1, 1]. With -1024 and 1024 HU this is division by 1024.

    Iantsen et al. 2021 (HECKTOR 2020, doi:10.1007/978-3-030-67194-5_4).
    """

    low: float = -1024.0
    high: float = 1024.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"clip: low {self.low} must be below high {self.high}")

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        half = (self.high - self.low) / 2
        return (values.clamp(self.low, self.high) - (self.low + half)) / half


@dataclass(frozen=True)
class ZScore:
    """Subtract the patch's mean and divide by its population standard deviation plus ``epsilon``.

    ``epsilon`` is 1e-3 in the authors' code; their paper has none (0). A constant patch becomes 0 either way.
    """

    epsilon: float = 1e-3

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:
        mean = values.mean(dim=axes, keepdim=True)
        std = values.std(dim=axes, keepdim=True, correction=0) + self.epsilon
        return (values - mean) / torch.where(std > CONSTANT, std, torch.ones_like(std))


@dataclass(frozen=True)
class Standardise:
    """Subtract a fixed mean and divide by a fixed standard deviation, as measured over training patients."""

    mean: float
    std: float

    def __post_init__(self) -> None:
        if not self.std > 0:
            raise ValueError(f"standardise: std must be positive; got {self.std}")

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        return (values - self.mean) / self.std


@dataclass(frozen=True)
class MinMax:
    """Bring each patch, or slice, by itself to [0, 1]; a constant one becomes 0.

    Rainio et al. 2024, doi:10.1007/s13721-024-00483-0, section 2.2. A slice without anything hot so looks as bright as
    one with a tumour.
    """

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:
        low, high = values.amin(dim=axes, keepdim=True), values.amax(dim=axes, keepdim=True)
        extent = high - low
        return torch.where(extent > CONSTANT, (values - low) / extent, 0)


@dataclass(frozen=True)
class Raw:
    """As it is, in HU or SUV: for methods that reckon in these."""

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        return values


@dataclass(frozen=True)
class Windows:
    """Several views of one CT, a channel each: ``level`` ± half ``width`` goes to [0, 1], then is standardised.

    Jain and Virtanen 2020 show a network brain, soft tissue and bone at once, or soft tissue alone; their means and
    standard deviations are those of PDDCA's training slices.

    Args:
        levels, widths: of each window, HU.
        means, stds: of each channel once it lies in [0, 1]; nothing is standardised where not given.
    """

    levels: tuple[float, ...]
    widths: tuple[float, ...]
    means: tuple[float, ...] = ()
    stds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", tuple(self.means) or (0.0,) * len(self.levels))
        object.__setattr__(self, "stds", tuple(self.stds) or (1.0,) * len(self.levels))
        counts = {len(numbers) for numbers in (self.levels, self.widths, self.means, self.stds)}
        if counts != {len(self.levels)} or not self.levels:
            raise ValueError("windows: levels, widths, means and stds must be equally many, at least one")
        if min(self.widths) <= 0 or min(self.stds) <= 0:
            raise ValueError(f"windows: widths {list(self.widths)} and stds {list(self.stds)} must be positive")

    @property
    def channels(self) -> int:
        return len(self.levels)

    def __call__(self, values: Tensor, axes: tuple[int, ...]) -> Tensor:
        windows = zip(self.levels, self.widths, self.means, self.stds, strict=True)
        return torch.cat(
            [(((values - level) / width + 0.5).clamp(0, 1) - mean) / std for level, width, mean, std in windows],
            dim=-len(axes) - 1,
        )
