"""Rotation, scaling and smooth deformation in one interpolation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from hnseg.augment.sample import AIR, check_modalities, check_sample, last_axes

# A cubic B-spline displacement folds nothing in 3-D while it stays below the knot distance over this number (2-D
# allows more): Choi, Lee 2000, doi:10.1006/gmod.2000.0531.
FOLDING_LIMIT = 2.479472335


@dataclass(frozen=True, eq=False)
class WarpParams:
    """What was drawn for one sample of d axes.

    Attributes:
        matrix: (d, d) rotation and scale, millimetres to millimetres about the centre, axes in array order.
        displacement_mm: (d, *control points) of the cubic B-spline grid that ``Warp`` lays over the sample.
    """

    matrix: NDArray[np.float64]
    displacement_mm: NDArray[np.float64]


class Warp:
    """Random rotation, scale along each axis, and elastic deformation; each has a probability of its own.

    The deformation is a uniform cubic B-spline (Rueckert et al. 1999, doi:10.1109/42.796284) on a coarse grid of
    control points. B-splines reproduce linear maps, so rotation and scale are put into the control points too, and
    the sampling positions of all voxels are three small matrix products away. Image interpolated linearly, outside is
    air; label map by nearest neighbour, outside is background.

    Args:
        modalities: of the channels, ``ct`` or ``pt``.
        spacing_mm: of the samples along z, y, x.
        rotation_deg: largest angle about each axis, either way.
        scale: smallest and largest factor along each axis, drawn evenly on a logarithmic axis.
        control_mm: distance of control points.
        displacement_mm: largest displacement of a control point along each axis; the amplitude itself is drawn.

    Raises:
        ValueError: a displacement so large that the image could fold.
    """

    def __init__(
        self,
        modalities: Sequence[str] = ("ct", "pt"),
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        p_rotate: float = 0.2,
        rotation_deg: float = 30.0,
        p_scale: float = 0.2,
        scale: tuple[float, float] = (0.8, 1.25),
        p_elastic: float = 0.2,
        control_mm: float = 32.0,
        displacement_mm: float = 8.0,
    ) -> None:
        self.modalities = check_modalities(modalities)
        self.spacing_mm = last_axes(spacing_mm, 3)
        limit = control_mm / FOLDING_LIMIT
        if not 0 <= displacement_mm < limit:
            raise ValueError(
                f"displacement_mm is {displacement_mm}; with control points {control_mm} mm apart the image folds "
                f"from {limit:.1f} mm on"
            )
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f"scale is {list(scale)}; give the smallest and the largest factor, both above 0")
        self.p_rotate, self.rotation_deg = p_rotate, rotation_deg
        self.p_scale, self.scale = p_scale, (float(scale[0]), float(scale[1]))
        self.p_elastic, self.control_mm, self.displacement_mm = p_elastic, control_mm, displacement_mm

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> WarpParams | None:
        """None where nothing is to be done."""
        dims = len(size)
        matrix: NDArray[np.float64] = np.eye(dims)
        control: NDArray[np.float64] = np.zeros((dims, *(basis.shape[1] for basis in self._bases(size))))
        rotate, stretch, bend = rng.random(3) < (self.p_rotate, self.p_scale, self.p_elastic)
        if stretch:
            matrix = np.diag(np.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1]), dims)))
        if rotate:
            matrix = _rotation(rng.uniform(-self.rotation_deg, self.rotation_deg, 3 if dims == 3 else 1)) @ matrix
        if bend:
            control = rng.uniform(-1.0, 1.0, size=control.shape) * float(rng.uniform(0, self.displacement_mm))
        return WarpParams(matrix, control) if rotate or stretch or bend else None

    def apply(self, image: Tensor, label: Tensor, params: WarpParams | None) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        if params is None:
            return image, label
        grid = self.sampling_grid(size, params)[None]
        fill = torch.tensor([AIR[m] for m in self.modalities]).reshape(-1, *(1,) * len(size))
        warped = F.grid_sample((image - fill)[None], grid, mode="bilinear", align_corners=False)[0] + fill
        moved = F.grid_sample(label[None, None].float(), grid, mode="nearest", align_corners=False)[0, 0]
        return warped, moved.to(label.dtype)

    def sampling_grid(self, size: tuple[int, ...], params: WarpParams) -> Tensor:
        """(*size, d) positions in the input for ``grid_sample``: -1 to 1 from edge to edge, axes in x, y, z order."""
        dims = len(size)
        spacing = np.array(last_axes(self.spacing_mm, dims))
        bases = self._bases(size)
        # Control points lie control_mm apart round the centre; the outermost are one beyond the knots.
        axes = [(np.arange(b.shape[1]) - (b.shape[1] - 1) / 2) * self.control_mm for b in bases]
        points = np.stack(np.meshgrid(*axes, indexing="ij")) + params.displacement_mm
        sources = np.tensordot(np.linalg.inv(params.matrix), points, axes=1)
        normalised = sources * (2 / (spacing * size)).reshape(-1, *(1,) * dims)
        field = torch.from_numpy(normalised[::-1].astype(np.float32))
        for basis in bases:  # contracts the first control axis and appends the voxel axis behind the others
            field = torch.tensordot(field, torch.from_numpy(basis), dims=([1], [1]))
        return field.movedim(0, -1)

    def _bases(self, size: tuple[int, ...]) -> list[NDArray[np.float32]]:
        spacing = last_axes(self.spacing_mm, len(size))
        return [cubic_basis(n, step, self.control_mm) for n, step in zip(size, spacing, strict=True)]

    def __call__(self, image: Tensor, label: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        size = check_sample(image, label, len(self.modalities))
        return self.apply(image, label, self.draw(rng, size))


def cubic_basis(voxels: int, spacing_mm: float, control_mm: float) -> NDArray[np.float32]:
    """(voxels, control points) weights of the uniform cubic B-spline; knots are centred on the axis and cover it."""
    extent = (voxels - 1) * spacing_mm
    intervals = max(1, math.ceil(extent / control_mm))
    position = (np.arange(voxels) * spacing_mm - extent / 2) / control_mm + intervals / 2
    first = np.clip(np.floor(position).astype(int), 0, intervals - 1)
    u = position - first
    weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3]) / 6
    basis = np.zeros((voxels, intervals + 3), np.float32)
    for offset, weight in enumerate(weights):
        basis[np.arange(voxels), first + offset] = weight
    return basis


def _rotation(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) from three angles, about axis 0, then 1, then 2; (2, 2) from one."""
    if len(angles_deg) == 3:
        return np.asarray(Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix())
    cosine, sine = math.cos(math.radians(angles_deg[0])), math.sin(math.radians(angles_deg[0]))
    return np.array([[cosine, -sine], [sine, cosine]])
