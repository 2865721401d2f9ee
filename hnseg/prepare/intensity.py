"""The deterministic part of what a network sees: each modality brought to a common range, patch by patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

CONSTANT = 1e-6
"""A standard deviation of this or less is what rounding leaves of a constant patch."""


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


Step = ClipScale | ZScore | Standardise | Windows
STEPS: dict[str, type[Step]] = {"clip": ClipScale, "zscore": ZScore, "standardise": Standardise, "windows": Windows}
DEFAULTS: dict[str, Step] = {"ct": ClipScale(), "pt": ZScore()}


class Normalization:
    """One step a modality, applied to a patch or window on any device.

    Args:
        modalities: channel order of the image.
        spatial_dims: 3 for volumes, 2 for slices.
        channels: how many a network is to get, where the configuration says it; several windows of one CT make several.
        steps: modality to a step, or to a mapping with ``kind`` (``clip``, ``zscore``, ``standardise``, ``windows``)
            and its numbers. Unnamed: ``ct`` is clipped at ±1024 HU, anything else z-scored.

    Raises:
        ValueError: a step for a modality that is not there, an unknown kind or unknown numbers, or another number of
            channels than the steps make.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        spatial_dims: int = 3,
        channels: int | None = None,
        **steps: Step | Mapping[str, Any],
    ) -> None:
        surplus = sorted(set(steps) - set(modalities))
        if surplus:
            raise ValueError(
                f"normalization: {surplus} are not among the modalities {list(modalities)}; choose one for these, "
                "for CT alone normalization=ct or soft_tissue"
            )
        self.modalities = tuple(modalities)
        self.spatial_dims = spatial_dims
        self.steps = tuple(_build(name, steps.get(name, DEFAULTS.get(name, ZScore()))) for name in self.modalities)
        self.channels = sum(step.channels if isinstance(step, Windows) else 1 for step in self.steps)
        if channels not in (None, self.channels):
            raise ValueError(
                f"normalization: channels={channels}, but its steps make {self.channels} of {list(self.modalities)}; "
                "correct normalization.channels"
            )

    def __call__(self, image: Tensor) -> Tensor:
        """``(C, *spatial)`` or ``(B, C, *spatial)``, HU and SUV, to a new float32 tensor with ``channels`` for C."""
        channel_axis = image.ndim - self.spatial_dims - 1
        assert channel_axis in (0, 1), f"image {tuple(image.shape)} with {self.spatial_dims} spatial axes"
        assert image.shape[channel_axis] == len(self.modalities), f"{tuple(image.shape)} for {self.modalities}"
        spatial = tuple(range(-self.spatial_dims, 0))
        modalities = image.float().chunk(len(self.modalities), dim=channel_axis)
        return torch.cat(
            [step(values, spatial) for step, values in zip(self.steps, modalities, strict=True)], dim=channel_axis
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        kinds = {step: kind for kind, step in STEPS.items()}
        steps = {
            name: {"kind": kinds[type(step)], **{key: _plain(value) for key, value in asdict(step).items()}}
            for name, step in zip(self.modalities, self.steps, strict=True)
        }
        return {"modalities": list(self.modalities), "spatial_dims": self.spatial_dims, "steps": steps}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Normalization:
        return cls(plain["modalities"], int(plain["spatial_dims"]), **plain["steps"])


def _build(modality: str, step: Step | Mapping[str, Any]) -> Step:
    if not isinstance(step, Mapping):
        return step
    numbers = {key: _numbers(value) for key, value in step.items() if key != "kind"}
    kind = STEPS.get(str(step.get("kind")))
    if kind is None:
        raise ValueError(f"normalization of {modality}: kind {step.get('kind')!r} is not one of {sorted(STEPS)}")
    unknown = sorted(set(numbers) - set(kind.__dataclass_fields__))
    if unknown:
        known = list(kind.__dataclass_fields__)
        raise ValueError(f"normalization of {modality}: {unknown} unknown; {step['kind']} takes {known}")
    return kind(**numbers)


def _numbers(value: Any) -> Any:
    return tuple(map(float, value)) if isinstance(value, Sequence) else float(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
