"""What differs between scanners: contrast, calibration, noise, sharpness; in HU and SUV, before normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from hnseg.augment.sample import check_modalities, check_sample, last_axes

GAMMA_WINDOW_HU = (-1024.0, 1024.0)  # both ends stay where they are


@dataclass(frozen=True)
class ChannelParams:
    """What was drawn for one channel; the defaults change nothing."""

    blur_mm: float = 0.0
    gamma: float = 1.0
    gain: float = 1.0
    noise: float = 0.0
    noise_seed: int = 0


class Intensity:
    """Blur, gamma (CT), gain and noise, drawn for each channel by itself, in this order; each seldom.

    The gain is contrast about water (0 HU) in CT and calibration (SUV scale) in PET; noise in PET is cut at 0 SUV.

    Args:
        modalities: of the channels, ``ct`` or ``pt``.
        spacing_mm: of the samples along z, y, x.
        blur_mm: smallest and largest standard deviation of the Gaussian.
        gamma: smallest and largest exponent on the window of -1024 to 1024 HU, drawn evenly on a logarithmic axis.
        gain: smallest and largest factor, drawn in the same way.
        noise_hu, noise_suv: largest standard deviation of white noise.
    """

    def __init__(
        self,
        modalities: Sequence[str] = ("ct", "pt"),
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        p_blur: float = 0.1,
        blur_mm: tuple[float, float] = (0.5, 1.5),
        p_gamma: float = 0.15,
        gamma: tuple[float, float] = (0.8, 1.25),
        p_gain: float = 0.15,
        gain: tuple[float, float] = (0.85, 1.18),
        p_noise: float = 0.1,
        noise_hu: float = 30.0,
        noise_suv: float = 0.3,
    ) -> None:
        self.modalities = check_modalities(modalities)
        self.spacing_mm = last_axes(spacing_mm, 3)
        for name, (low, high) in {"blur_mm": blur_mm, "gamma": gamma, "gain": gain}.items():
            if not 0 < low <= high:
                raise ValueError(f"{name} is {[low, high]}; give the smallest and the largest value, both above 0")
        self.p_blur, self.blur_mm = p_blur, (float(blur_mm[0]), float(blur_mm[1]))
        self.p_gamma, self.gamma = p_gamma, (float(gamma[0]), float(gamma[1]))
        self.p_gain, self.gain = p_gain, (float(gain[0]), float(gain[1]))
        self.p_noise, self.noise = p_noise, {"ct": noise_hu, "pt": noise_suv}

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> tuple[ChannelParams, ...]:  # noqa: ARG002
        return tuple(self._draw_channel(rng, modality) for modality in self.modalities)

    def _draw_channel(self, rng: np.random.Generator, modality: str) -> ChannelParams:
        blur, gamma, gain, noise = rng.random(4) < (self.p_blur, self.p_gamma, self.p_gain, self.p_noise)
        return ChannelParams(
            blur_mm=rng.uniform(*self.blur_mm) if blur else 0.0,
            gamma=_log_uniform(rng, self.gamma) if gamma and modality == "ct" else 1.0,
            gain=_log_uniform(rng, self.gain) if gain else 1.0,
            noise=rng.uniform(0, self.noise[modality]) if noise else 0.0,
            noise_seed=int(rng.integers(2**63)) if noise else 0,
        )

    def apply(self, image: Tensor, label: Tensor, params: Sequence[ChannelParams]) -> tuple[Tensor, Tensor]:
        """The label map is given back as it is."""
        check_sample(image, label, len(self.modalities))
        channels = [self._change(c, m, p) for c, m, p in zip(image, self.modalities, params, strict=True)]
        return torch.stack(channels), label

    def _change(self, channel: Tensor, modality: str, params: ChannelParams) -> Tensor:
        if params.blur_mm > 0:
            sigma = [params.blur_mm / step for step in last_axes(self.spacing_mm, channel.ndim)]
            channel = torch.from_numpy(gaussian_filter(channel.numpy(), sigma, mode="nearest"))
        if params.gamma != 1:
            low, high = GAMMA_WINDOW_HU
            channel = ((channel - low) / (high - low)).clamp(min=0) ** params.gamma * (high - low) + low
        if params.gain != 1:
            channel = channel * params.gain
        if params.noise > 0:
            generator = torch.Generator().manual_seed(params.noise_seed)
            noisy = channel + params.noise * torch.randn(channel.shape, generator=generator)
            channel = noisy.clamp(min=0) if modality == "pt" else noisy
        return channel

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        return self.apply(image, label, self.draw(rng, size))


def _log_uniform(rng: np.random.Generator, limits: Sequence[float]) -> float:
    low, high = (math.log(limit) for limit in limits)
    return math.exp(rng.uniform(low, high))
