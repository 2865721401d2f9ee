"""The transform degrees 0 to 4 of Jain and Virtanen 2020, for slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from hnseg.augment.sample import check_modalities, check_sample
from hnseg.augment.three_points import check_jitter
from hnseg.sides import other_side

if TYPE_CHECKING:
    from albumentations import DualTransform

Deformation = Literal["elastic", "grid"]
DEFORMATIONS: dict[int, tuple[Deformation, ...]] = {0: ("elastic", "grid"), 3: ("elastic",), 4: ("elastic", "grid")}
TURNED = (2, 3)
SMALLEST_SIDE = 20
"""Of a slice that is deformed, in pixels: five steps of a grid do not cover every smaller one."""


@dataclass(frozen=True)
class DegreeParams:
    """What was drawn for one slice, in the order in which it is carried out.

    Attributes:
        deformation: ``elastic``, ``grid`` or None.
        seed: of the deformation.
        quarters: quarter turns, from y towards x.
        mirrored: whether left and right change places.
    """

    deformation: Deformation | None = None
    seed: int = 0
    quarters: int = 0
    mirrored: bool = False


class TransformDegree:
    """What Jain and Virtanen 2020 do to a slice, by the degree that their code gives it; Fig. 4 compares degrees.

    ====== ======================================================================================
    degree each with probability one half
    ====== ======================================================================================
    0, 4   elastic deformation or grid distortion, either as likely
    1      nothing
    2      a turn by 0 to 3 quarters (of a slice that is not square by 0 or 2); mirroring
    3      elastic deformation; turn and mirroring as in degree 2
    ====== ======================================================================================

    Degree 0 differs from degree 4 by its windows, which are ``normalization``'s. The random cut of 256 x 256 pixels is
    the view's. The elastic deformation is nearly an affine map, of three points that move by up to 50 of 256 pixels; of
    all pixels the farthest moves by 93 in the median of 200 draws. Noise smoothed by 50 pixels and multiplied by 1 adds
    0.02 at most. Borders are reflected.

    Departures: HU are deformed and then seen through windows, not the other way round, which differs at edges between
    what is clipped and what is not; degree 1 keeps millimetres, where theirs shrinks 280 pixels to 256; mirroring
    gives a left organ the label of the right one. Numbers are those of albumentations 0.5.

    Args:
        modalities: of the channels, ``ct`` or ``pt``.
        label_names: which names belong to the values of label maps; pairs end in ``_L`` and ``_R``.
        degree: 0 to 4.
        jitter: largest displacement of the three points along each axis, in shorter sides.
        alpha, sigma_px: factor of the smooth noise, in pixels, and standard deviation of what smooths it.
        grid_limit: largest change of a step's length, as a share of it.
        variant: ``code`` mirrors as the authors did: a left organ stays left in the mirror, and it is front and back
            that change places, because their slices lie transposed.

    Raises:
        ValueError: an unknown degree or variant; or one of a pair is not among the names, and slices are mirrored.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        label_names: Sequence[str],
        degree: int = 0,
        jitter: float = 50 / 256,
        alpha: float = 1.0,
        sigma_px: float = 50.0,
        grid_limit: float = 0.3,
        variant: Literal["paper", "code"] = "paper",
    ) -> None:
        self.modalities = check_modalities(modalities)
        if degree not in range(5):
            raise ValueError(f"transform degree {degree!r} is not known; Jain and Virtanen have 0, 1, 2, 3 and 4")
        if variant not in ("paper", "code"):
            raise ValueError(f"mirroring variant {variant!r} is not known; use paper (sides change names) or code")
        self.degree, self.variant = degree, variant
        self.jitter, self.alpha, self.sigma_px, self.grid_limit = check_jitter(jitter), alpha, sigma_px, grid_limit
        renamed = degree in TURNED and variant == "paper"
        self.swapped = other_side(label_names) if renamed else tuple(range(len(label_names)))
        self._transforms: dict[Deformation, DualTransform] = {}

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> DegreeParams:
        deformation: Deformation | None = None
        seed = quarters = 0
        mirrored = False
        choice = DEFORMATIONS.get(self.degree, ())
        if choice and rng.random() < 0.5:
            deformation, seed = choice[rng.integers(len(choice))], int(rng.integers(2**32))
        if self.degree in TURNED:
            step = 1 if size[-2] == size[-1] else 2  # all samples of a batch have one size
            quarters = int(rng.integers(4 // step)) * step if rng.random() < 0.5 else 0
            mirrored = bool(rng.random() < 0.5)
        return DegreeParams(deformation, seed, quarters, mirrored)

    def apply(self, image: Tensor, label: Tensor, params: DegreeParams) -> tuple[Tensor, Tensor]:
        if params.deformation:
            image, label = self._deform(image, label, params.deformation, params.seed)
        if params.quarters:
            image, label = image.rot90(params.quarters, (-2, -1)), label.rot90(params.quarters, (-2, -1))
        if params.mirrored:
            axis = -2 if self.variant == "code" else -1
            image, label = image.flip(axis), self._renamed(label.flip(axis))
        return image.contiguous(), label.contiguous()

    def _deform(self, image: Tensor, label: Tensor, name: Deformation, seed: int) -> tuple[Tensor, Tensor]:
        from hnseg.augment import albumented  # two seconds, paid only where something is deformed

        if name not in self._transforms and name == "elastic":
            self._transforms[name] = albumented.elastic(self.jitter, self.alpha, self.sigma_px)
        elif name not in self._transforms:
            self._transforms[name] = albumented.grid_distortion(self.grid_limit)
        deformed, moved = albumented.deform(self._transforms[name], image.numpy(), label.numpy(), seed)
        return torch.from_numpy(deformed), torch.from_numpy(moved)

    def _renamed(self, label: Tensor) -> Tensor:
        values = torch.arange(256, dtype=torch.uint8)
        values[1 : len(self.swapped) + 1] = torch.tensor(self.swapped, dtype=torch.uint8) + 1
        return values[label.long()]

    def with_flags(
        self, image: Tensor, label: Tensor, annotated: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As a call, with ``annotated`` (K,) bool, whom somebody looked for: in the mirror L's flag is R's."""
        params = self.draw(rng, self._check(image, label))
        flags = annotated[list(self.swapped)] if params.mirrored else annotated
        return *self.apply(image, label, params), flags

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        return self.apply(image, label, self.draw(rng, self._check(image, label)))

    def _check(self, image: Tensor, label: Tensor) -> tuple[int, ...]:
        size = check_sample(image, label, len(self.modalities))
        if len(size) != 2:
            raise ValueError(
                f"augment=degree_{self.degree} is for slices, (channels, y, x); got {tuple(image.shape)}. For volumes "
                "and patches choose augment=organs or augment=anatomynet"
            )
        if self.degree in DEFORMATIONS and min(size) < SMALLEST_SIDE:
            raise ValueError(
                f"augment=degree_{self.degree} deforms slices of at least {SMALLEST_SIDE} pixels a side; got {size}. "
                "Choose a larger view.size_zyx, or augment=organs"
            )
        return size
