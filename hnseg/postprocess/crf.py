"""A fully connected conditional random field as a refining step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from hnseg.geometry.crop import bounding_slices
from hnseg.labels import LabelSet
from hnseg.postprocess.kernels import (
    Axes,
    Kernel,
    Normalization,
    bilateral_kernel,
    normalized,
    position_kernel,
    window_kernel,
)
from hnseg.postprocess.mean_field import mean_field, mean_field_each
from hnseg.postprocess.steps import Scene

Form = Literal["full", "window"]
MARGIN_STD = 3.0
"""Kept around what may change: beyond it lies a quarter of a percent of a kernel's weight along an axis."""


@dataclass(frozen=True)
class Crf:
    """Voxels that lie close together, and look alike in CT and PET, are drawn to one label.

    Krähenbühl and Koltun 2011, "Efficient inference in fully connected CRFs with Gaussian edge potentials",
    arXiv:1210.5644: mean field of ``E(x) = sum_i -log p_i(x_i) + sum_{i<j} [x_i != x_j] (w1 k1_ij + w2 k2_ij)`` with
    ``k1_ij = exp(-|p_i - p_j|^2 / 2 a^2)`` and ``k2_ij = exp(-|p_i - p_j|^2 / 2 b^2 - |I_i - I_j|^2 / 2 c^2)``, each
    divided by its sums. Softmax labels exclude each other; sigmoid structures are refined each against its background.
    The papers on HECKTOR give no parameters: the defaults are those of the example of the usual 3-D wrapper, whose
    voxels are millimetres here. With them a small structure vanishes where the network is not sure of it: most of what
    lies within 5 mm of it is background, and says so. ``position_weight`` is what to lower, for lymph nodes above all.

    ``full`` reaches over the whole image. Its position term is exact, its other term a permutohedral lattice, as in the
    authors' program. ``window`` is exact but blind beyond ``window_voxels``: of k1 with the defaults at 1 mm, a window
    of 5 voxels holds 5.6 %.

    Args:
        iterations: of the mean field, 1 or more.
        position_weight: w1, of the position term; 0 leaves it out.
        position_std_mm: a, along z, y, x; or one number for all axes.
        bilateral_weight: w2, of the term of position and intensity; 0 leaves it out.
        bilateral_std_mm: b, along z, y, x; or one number.
        intensity_std: c, of each modality by its name, on a scale of 0 to 255; or one number for all modalities.
        intensity_range: what is 0 and what is 255 on that scale, of each modality: HU for CT, SUV for PET. Beyond it
            intensities are cut off. A modality without one, or with None, has its own lowest and highest value.
        form: ``full`` or ``window``.
        window_voxels: odd, 3 or more; ``window`` only.
        normalization: which sums a kernel is divided by, see :func:`hnseg.postprocess.kernels.normalized`.
        ignore_below: only the box of the voxels where any structure is more probable than this is refined, with a
            margin of three standard deviations; the rest stays as it is. 0: everything is refined.

    Raises:
        ValueError: a number out of its range, with its name.
    """

    iterations: int = 2
    position_weight: float = 2.0
    position_std_mm: float | Sequence[float] = (5.0, 5.0, 5.0)
    bilateral_weight: float = 3.0
    bilateral_std_mm: float | Sequence[float] = (5.0, 5.0, 5.0)
    intensity_std: float | Mapping[str, float] = field(default_factory=lambda: {"ct": 5.0, "pt": 5.0})
    intensity_range: Mapping[str, Sequence[float] | None] = field(
        default_factory=lambda: {"ct": (-1024.0, 1024.0), "pt": (0.0, 20.0)}
    )
    form: Form = "full"
    window_voxels: int = 5
    normalization: Normalization = "symmetric"
    ignore_below: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("position_std_mm", "bilateral_std_mm"):
            axes = _axes(getattr(self, name))
            _refuse(name, axes, len(axes) == 3 and _positive(axes), "three numbers (z, y, x) above 0, or one, in mm")
            object.__setattr__(self, name, axes)
        weights = (self.position_weight, self.bilateral_weight)
        _refuse("the weights", weights, all(math.isfinite(w) and w >= 0 for w in weights), "0 or more")
        stds = self.intensity_std.values() if isinstance(self.intensity_std, Mapping) else (self.intensity_std,)
        _refuse("intensity_std", self.intensity_std, _positive(stds), "a number above 0 for each modality")
        for name, ends in self.intensity_range.items():
            good = ends is None or (len(ends) == 2 and all(map(math.isfinite, ends)) and ends[0] < ends[1])
            _refuse(f"intensity_range.{name}", ends, good, "its lowest and highest value, or null")
        _refuse("iterations", self.iterations, self.iterations == int(self.iterations) >= 1, "a number, 1 or more")
        k = self.window_voxels
        _refuse("window_voxels", k, k == int(k) >= 3 and k % 2 == 1, "an odd number, 3 or more")
        _refuse("form", self.form, self.form in get_args(Form), "full or window")
        _refuse("normalization", self.normalization, self.normalization in get_args(Normalization), NORMALIZATIONS)
        _refuse("ignore_below", self.ignore_below, 0 <= self.ignore_below < 0.5, "a probability below 0.5")

    @torch.no_grad()
    def refine(self, probabilities: Tensor, scene: Scene, labels: LabelSet) -> Tensor:
        """(channels, Z, Y, X) probabilities to those of the mean field, float32, on the same device.

        Raises:
            ValueError: a modality without ``intensity_std``; images or probabilities that hold nan or infinity.
        """
        _refuse_not_finite("the network's probabilities", probabilities)
        intensity = self._intensity(scene).to(probabilities.device)
        refined = probabilities.float().clone()
        box = self._box(labels.structures(probabilities[None])[0], scene.spacing_mm)
        if box is None:
            return refined
        inside = (slice(None), *box)
        kernels = self._kernels(intensity[inside], scene.spacing_mm, tuple(s.start for s in box))
        field_of = mean_field if labels.activation == "softmax" else mean_field_each
        refined[inside] = field_of(refined[inside], kernels, int(self.iterations))
        return refined

    def _intensity(self, scene: Scene) -> Tensor:
        """(M, Z, Y, X) images in standard deviations."""
        return torch.stack(
            [self._in_std(image, name) for image, name in zip(scene.image, scene.modalities, strict=True)]
        )

    def _in_std(self, image: Tensor, modality: str) -> Tensor:
        stds = self.intensity_std
        std = stds.get(modality) if isinstance(stds, Mapping) else stds
        if std is None:
            known = ", ".join(stds) if isinstance(stds, Mapping) else ""
            raise ValueError(
                f"crf.intensity_std has no number for the modality {modality!r}, only for {known}; add "
                f"intensity_std.{modality}"
            )
        _refuse_not_finite(f"the image of {modality}", image)
        image = image.float()
        low, high = self.intensity_range.get(modality) or (float(image.min()), float(image.max()))
        # an image of one value everywhere has no edges, whatever it is divided by
        return (image.clamp(low, high) - low) * (255 / (max(high - low, 1e-20) * std))

    def _box(self, structures: Tensor, spacing_mm: Axes) -> tuple[slice, ...] | None:
        """Where anything can change; None where nothing can."""
        shape = structures.shape[1:]
        if self.ignore_below == 0:
            return tuple(slice(0, size) for size in shape)
        box = bounding_slices((structures > self.ignore_below).any(dim=0).cpu().numpy())
        if box is None:
            return None
        if self.form == "window":
            margins = [(self.window_voxels // 2) * (int(self.iterations) + 1)] * 3
        else:
            reach_mm = [
                max(pair) for pair in zip(_axes(self.position_std_mm), _axes(self.bilateral_std_mm), strict=True)
            ]
            margins = [math.ceil(MARGIN_STD * r / mm) for r, mm in zip(reach_mm, spacing_mm, strict=True)]
        grown = zip(box, margins, shape, strict=True)
        return tuple(slice(max(s.start - m, 0), min(s.stop + m, size)) for s, m, size in grown)

    def _kernels(self, intensity: Tensor, spacing_mm: Axes, start_zyx: tuple[int, ...]) -> list[Kernel]:
        half = int(self.window_voxels) // 2 if self.form == "window" else None
        kernels = []
        if self.position_weight:
            step = _steps(spacing_mm, _axes(self.position_std_mm))
            kernel = position_kernel(intensity.shape[1:], step, half, intensity)
            kernels.append(normalized(kernel, self.normalization, self.position_weight, intensity))
        if self.bilateral_weight:
            step = _steps(spacing_mm, _axes(self.bilateral_std_mm))
            kernel = (
                bilateral_kernel(intensity, step, start_zyx) if half is None else window_kernel(intensity, step, half)
            )
            kernels.append(normalized(kernel, self.normalization, self.bilateral_weight, intensity))
        return kernels


NORMALIZATIONS = "symmetric, before or after"


def _axes(std: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(float(s) for s in std) if isinstance(std, Sequence) else (float(std),) * 3


def _steps(spacing_mm: Axes, std_mm: tuple[float, ...]) -> Axes:
    z, y, x = (mm / std for mm, std in zip(spacing_mm, std_mm, strict=True))
    return z, y, x


def _positive(numbers: Iterable[float]) -> bool:
    return all(math.isfinite(number) and number > 0 for number in numbers)


def _refuse(name: str, value: object, good: bool, expected: str) -> None:
    if not good:
        raise ValueError(f"crf: {name} is {value}; give {expected}")


def _refuse_not_finite(what: str, values: Tensor) -> None:
    if not bool(values.isfinite().all()):
        raise ValueError(f"crf: {what} holds voxels that are no finite numbers, and neighbours would spread them")
