"""The rotation and mirroring with which the SE-Norm network was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from hnseg.augment.sample import AIR, check_modalities, check_sample, last_axes


@dataclass(frozen=True)
class RotateMirrorParams:
    """What was drawn for one sample.

    Attributes:
        turns: (axis, angle in degrees), in the order in which they are carried out. A positive angle takes axis
            a + 1 towards axis a + 2, counted cyclically among the three array axes; a slice turns about axis 0.
        mirrored: array axes, 0 is z (or y of a slice).
    """

    turns: tuple[tuple[int, float], ...] = ()
    mirrored: tuple[int, ...] = ()


class RotateMirror:
    """With probability ``p`` each: turn about one to three axes, and mirror along none to three.

    After the authors' code of Iantsen, Visvikis, Hatt 2021, doi:10.1007/978-3-030-67194-5_4 (the paper is silent):
    as many axes as drawn, in random order, each turned by a whole number of degrees up to ``max_angle_deg`` either
    way about the centre. Image interpolated linearly, label map by nearest neighbour. In 2-D there is one axis to
    turn about and two to mirror.

    Args:
        modalities: of the channels, ``ct`` or ``pt``.
        spacing_mm: of the samples along z, y, x; turning is rigid in millimetres.
        variant: ``code`` interpolates anew for every axis and fills with 0 what comes from outside (0 HU is soft
            tissue); ``paper`` turns in one interpolation and fills with air.
    """

    mirrors_sides = True

    def __init__(
        self,
        modalities: Sequence[str] = ("ct", "pt"),
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        p: float = 0.5,
        max_angle_deg: int = 44,
        variant: Literal["paper", "code"] = "paper",
    ) -> None:
        self.modalities = check_modalities(modalities)
        self.spacing_mm = last_axes(spacing_mm, 3)
        if variant not in ("paper", "code"):
            raise ValueError(f"rotation variant {variant!r} is not known; use paper (air outside) or code (0 outside)")
        self.p, self.max_angle_deg, self.variant = p, max_angle_deg, variant
        self.fill = tuple(AIR[m] if variant == "paper" else 0.0 for m in self.modalities)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> RotateMirrorParams:
        turns: tuple[tuple[int, float], ...] = ()
        mirrored: tuple[int, ...] = ()
        if rng.random() < self.p:
            axes = rng.permutation(3)[: rng.integers(1, 4)] if len(size) == 3 else np.zeros(1, int)
            angles = rng.integers(0, self.max_angle_deg + 1, len(axes)) * rng.choice([-1, 1], len(axes))
            turns = tuple((int(axis), float(angle)) for axis, angle in zip(axes, angles, strict=True))
        if rng.random() < self.p:
            chosen = rng.permutation(len(size))[: rng.integers(0, len(size) + 1)]
            mirrored = tuple(sorted(int(axis) for axis in chosen))
        return RotateMirrorParams(turns, mirrored)

    def apply(self, image: Tensor, label: Tensor, params: RotateMirrorParams) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        if not params.turns and not params.mirrored:
            return image, label
        # TorchIO fills all channels with one value: shifted by their fills, all channels are filled with 0.
        fill = torch.tensor(self.fill).reshape(-1, *(1,) * len(size))
        subject = _subject(image - fill, label, self.spacing_mm)
        for transform in self._transforms(params, len(size)):
            # Not called directly: a call asks torch's global generator whether to do anything, and copies first.
            subject = transform.apply_transform(subject)
        turned = _from_torchio(subject["image"].data).reshape(image.shape)
        mask = _from_torchio(subject["label"].data).reshape(label.shape)
        return (turned + fill).contiguous(), mask.to(label.dtype).contiguous()

    def _transforms(self, params: RotateMirrorParams, dims: int) -> list[Any]:
        import torchio as tio  # two seconds, paid only where something turns

        groups = [params.turns] if self.variant == "paper" else [(turn,) for turn in params.turns]
        rotations = [
            tio.Affine((1, 1, 1), euler_deg(turns), (0, 0, 0), default_pad_value=0.0) for turns in groups if turns
        ]
        axes = tuple(dims - 1 - axis for axis in params.mirrored)
        return [*rotations, tio.Flip(axes)] if axes else rotations

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        return self.apply(image, label, self.draw(rng, size))


def euler_deg(turns: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Angles about TorchIO's axes (x, y, z) with which it does the same as the turns one after the other.

    TorchIO turns about its y first, then x, then z (the order of ITK's Euler transform), whatever order was drawn.
    Its axes are ours in reverse, and so is the sense of its turns.
    """
    names = "".join("zyx"[axis] for axis, _ in turns)
    rotation = Rotation.from_euler(names, [-angle for _, angle in turns], degrees=True)
    about_y, about_x, about_z = rotation.as_euler("yxz", degrees=True)
    return float(about_x), float(about_y), float(about_z)


def _subject(image: Tensor, label: Tensor, spacing_mm: Sequence[float]) -> Any:
    """TorchIO's form of the sample, axes (channel, x, y, z): views, and in the order in which ITK has them anyway."""
    import torchio as tio

    volume = image if image.ndim == 4 else image[:, None]
    mask = label[None] if label.ndim == 3 else label[None, None]
    affine = np.diag([*reversed(spacing_mm), 1.0])
    return tio.Subject(
        image=tio.ScalarImage(tensor=volume.permute(0, 3, 2, 1), affine=affine),
        label=tio.LabelMap(tensor=mask.permute(0, 3, 2, 1), affine=affine),
    )


def _from_torchio(data: Tensor) -> Tensor:
    return data.permute(0, 3, 2, 1)
