"""The deformation with which AnatomyNet was trained: one for all slices of a volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hnseg.augment.sample import AIR, check_modalities, check_sample, last_axes
from hnseg.augment.three_points import check_jitter, draw_affine, noise_sd, sampling_yx, smooth_noise


@dataclass(frozen=True, eq=False)
class AffineElasticParams:
    """What was drawn for one sample.

    Attributes:
        affine: (2, 3), position (y, x, 1) in the output to (y, x) in the input, in pixels.
        displacement: (2, Y, X) along y and x, in pixels; carried out first, seen from the output.
    """

    affine: NDArray[np.float64]
    displacement: NDArray[np.float32]


class AffineElastic:
    """Always one affine map of the axial plane and one smooth displacement in it, the same for every slice.

    Zhu et al. 2018 (AnatomyNet), arXiv:1808.05238, doi:10.1002/mp.13300, after their code; the paper is silent. Three
    points move by up to 0.04 of the shorter in-plane side; noise, smoothed by 30 pixels and multiplied by 1000, has a
    standard deviation of 5.43 pixels: at the 0.76 mm that the authors advise, 22.8 mm and 4.13 mm. It cannot fold: the
    change of displacement from pixel to pixel has a standard deviation of 0.13. Both together move the farthest of
    272 x 304 pixels by 33 pixels in the median of 100 draws, and by 53 at most. Image linear and outside air, label
    map by nearest neighbour and outside background.

    Departures: millimetres; one interpolation for their two, so that what leaves the image on the way is not lost; and
    their masks, where the affine map looks outside, hold whatever was in memory.

    Args:
        modalities: of the channels, ``ct`` or ``pt``.
        spacing_mm: of the samples along z, y, x.
        jitter: largest displacement of the three points along each axis, in shorter in-plane sides.
        smooth_mm: standard deviation of the Gaussian that smooths the noise.
        displacement_mm: standard deviation of the smooth displacement along each axis.
    """

    def __init__(
        self,
        modalities: Sequence[str] = ("ct",),
        spacing_mm: Sequence[float] = (1.25, 0.76, 0.76),
        jitter: float = 0.04,
        smooth_mm: float = 22.8,
        displacement_mm: float = 4.13,
    ) -> None:
        self.modalities = check_modalities(modalities)
        self.spacing_mm = last_axes(spacing_mm, 3)
        # The slope of such noise has a standard deviation of displacement / (sqrt(2) smooth); it folds at 1.
        if not 0 <= displacement_mm < smooth_mm / 3:
            raise ValueError(
                f"displacement_mm is {displacement_mm}; smoothed by {smooth_mm} mm the image would fold now and then "
                f"from {smooth_mm / 3:.1f} mm on"
            )
        self.jitter, self.smooth_mm, self.displacement_mm = check_jitter(jitter), smooth_mm, displacement_mm

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> AffineElasticParams:
        size_yx, spacing = (size[-2], size[-1]), np.array(last_axes(self.spacing_mm, 2), np.float32)
        affine = draw_affine(rng, size_yx, self.jitter)
        sigma_yx = (self.smooth_mm / float(spacing[0]), self.smooth_mm / float(spacing[1]))
        pixels = (self.displacement_mm / noise_sd(sigma_yx) / spacing).reshape(2, 1, 1)
        return AffineElasticParams(affine, pixels * smooth_noise(rng, size_yx, sigma_yx))

    def apply(self, image: Tensor, label: Tensor, params: AffineElasticParams) -> tuple[Tensor, Tensor]:
        check_sample(image, label, len(self.modalities))
        grid = sampling_grid(params)
        fill = torch.tensor([AIR[m] for m in self.modalities]).reshape(-1, *(1,) * label.ndim)
        warped = _sample(image - fill, grid, "bilinear") + fill
        return warped, _sample(label.float(), grid, "nearest").to(label.dtype)

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        return self.apply(image, label, self.draw(rng, size))


def sampling_grid(params: AffineElasticParams) -> Tensor:
    """(Y, X, 2) positions in the input for ``grid_sample``: -1 to 1 from edge to edge, axes in x, y order."""
    positions = torch.from_numpy(sampling_yx(params.affine, params.displacement))
    sides = torch.tensor(positions.shape[1:]).reshape(2, 1, 1)
    return ((2 * positions + 1) / sides - 1).flip(0).movedim(0, -1)


def _sample(image: Tensor, grid: Tensor, mode: str) -> Tensor:
    """(..., Y, X) at the positions of ``grid``, every plane alike; 0 outside."""
    planes = image.reshape(1, -1, *image.shape[-2:])
    return F.grid_sample(planes, grid[None], mode=mode, align_corners=False).reshape(image.shape)
