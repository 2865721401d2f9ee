"""Space first, then mirroring, then intensity: what `strong` and `bourigault2021` are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from hnseg.augment.intensity import ChannelParams, Intensity
from hnseg.augment.mirror import Mirror
from hnseg.augment.sample import check_sample
from hnseg.augment.warp import Warp, WarpParams


@dataclass(frozen=True, eq=False)
class StrongParams:
    """What was drawn for one sample, part by part."""

    warp: WarpParams | None
    mirrored: tuple[int, ...]
    intensity: tuple[ChannelParams, ...]


class Strong:
    """Warp, mirror and intensity after one another, in 2-D and 3-D.

    Space is interpolated once. With the numbers of ``augment=strong`` its operations fire seldom, after Isensee et al.
    2021 (nnU-Net), doi:10.1038/s41592-020-01008-z. Departures: deformation, anisotropic scale, ranges in mm, HU
    and SUV, no simulation of low resolution.
    """

    def __init__(self, warp: Warp, mirror: Mirror, intensity: Intensity) -> None:
        if warp.modalities != intensity.modalities:
            raise ValueError(
                f"warp is for the channels {list(warp.modalities)}, intensity for {list(intensity.modalities)}; "
                "give both the same modalities"
            )
        self.warp, self.mirror, self.intensity = warp, mirror, intensity

    @property
    def mirrors_sides(self) -> bool:
        return "x" in self.mirror.axes

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> StrongParams:
        return StrongParams(self.warp.draw(rng, size), self.mirror.draw(rng, size), self.intensity.draw(rng, size))

    def apply(self, image: Tensor, label: Tensor, params: StrongParams) -> tuple[Tensor, Tensor]:
        image, label = self.warp.apply(image, label, params.warp)
        image, label = self.mirror.apply(image, label, params.mirrored)
        return self.intensity.apply(image, label, params.intensity)

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.warp.modalities))
        return self.apply(image, label, self.draw(rng, size))
