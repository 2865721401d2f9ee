"""The deterministic part of what a network sees: each modality brought to a common range, patch by patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from hnseg.prepare.intensity_steps import ClipScale, MinMax, Raw, Standardise, Windows, ZScore

Step = ClipScale | ZScore | Standardise | MinMax | Raw | Windows
STEPS: dict[str, type[Step]] = {
    "clip": ClipScale,
    "zscore": ZScore,
    "standardise": Standardise,
    "minmax": MinMax,
    "raw": Raw,
    "windows": Windows,
}
DEFAULTS: dict[str, Step] = {"ct": ClipScale(), "pt": ZScore()}


class Normalization:
    """One step a modality, applied to a patch or window on any device.

    Args:
        modalities: channel order of the image.
        spatial_dims: 3 for volumes, 2 for slices.
        channels: how many the modalities are to make, where the configuration says it; several windows of one CT make
            several. Clicks, which come behind, do not count.
        steps: modality to a step, or to a mapping with ``kind`` (``clip``, ``zscore``, ``standardise``, ``minmax``,
            ``raw``, ``windows``) and its numbers. Unnamed: ``ct`` is clipped at ±1024 HU, anything else z-scored.

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
        """``(C + K, *spatial)`` or ``(B, C + K, *spatial)`` to a new float32 tensor with ``channels`` + K for C + K.

        The C modalities, in HU and SUV, come first. K channels of clicks behind them, if any, stay as they are.
        """
        channel_axis = image.ndim - self.spatial_dims - 1
        assert channel_axis in (0, 1), f"image {tuple(image.shape)} with {self.spatial_dims} spatial axes"
        clicks = image.shape[channel_axis] - len(self.modalities)
        assert clicks >= 0, f"{tuple(image.shape)} for {self.modalities}"
        spatial = tuple(range(-self.spatial_dims, 0))
        sizes = [*[1] * len(self.modalities), clicks]
        *modalities, behind = torch.split(image.float(), sizes, dim=channel_axis)
        normalised = [step(values, spatial) for step, values in zip(self.steps, modalities, strict=True)]
        return torch.cat([*normalised, behind], dim=channel_axis)

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
