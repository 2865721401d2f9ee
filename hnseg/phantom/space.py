"""Where the voxels of an image lie in the standard anatomy: pose, size and individual shape of one patient.

A point of the scanner is taken to the standard anatomy in four steps: move to the patient's origin (centre of the
brain stem), undo body size, undo head pose (a rotation that fades out along the neck) and neck length, and add a
smooth warp of a few millimetres that makes every patient differ. All organs go through the same map, so they never
run into each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Field, Shape
from hnseg.types import Grid

NECK_PIVOT_MM = (0.0, -5.0, -60.0)  # the head turns about the second cervical vertebra
STRIDE_MM = 14.0  # the map is smooth: computed at nodes this far apart and interpolated linearly
STEPS_BACK = 20  # each takes the distance that is missing to a third or less
NODE_REACH_MM = 18.0  # a voxel's neighbouring nodes are no further along any axis of the anatomy


@dataclass(frozen=True)
class Pose:
    """How one patient lies in the scanner.

    Attributes:
        origin_lps_mm: position of the centre of the brain stem.
        scale: body size against the standard anatomy.
        turn_rad: (pitch, roll, yaw) of the head about x, y, z.
        neck_stretch: length of the neck against the standard.
        warp: smooth displacement, one noise an axis, and its standard deviation.
    """

    origin_lps_mm: tuple[float, float, float]
    scale: float
    turn_rad: tuple[float, float, float]
    neck_stretch: float
    warp: tuple[SmoothNoise, SmoothNoise, SmoothNoise]
    warp_mm: float

    def to_anatomy(self, lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scanner positions (..., 3) to positions (..., 3) in the standard anatomy, both LPS mm."""
        p = (lps_mm - np.asarray(self.origin_lps_mm)) / self.scale
        height = np.clip((p[..., 2] + 150) / 90, 0, 1)
        fade = height * height * (3 - 2 * height)
        turns = Rotation.from_rotvec((np.asarray(self.turn_rad) * fade[..., None]).reshape(-1, 3))
        pivot = np.asarray(NECK_PIVOT_MM)
        p = turns.inv().apply((p - pivot).reshape(-1, 3)).reshape(p.shape) + pivot
        low = p[..., 2] < NECK_PIVOT_MM[2]
        p[..., 2] = np.where(low, NECK_PIVOT_MM[2] + (p[..., 2] - NECK_PIVOT_MM[2]) / self.neck_stretch, p[..., 2])
        x, y, z = np.moveaxis(p, -1, 0)
        shift = np.stack([noise.values(x, y, z) for noise in self.warp], axis=-1)
        return np.asarray(p + self.warp_mm * shift, float)

    def to_scanner(self, anatomy_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (..., 3) in the standard anatomy to scanner positions (..., 3), both LPS mm, to 0.001 mm.

        The way back has no formula. It is near a shift and a scaling, so that repeated correction of what is still
        missing finds it.
        """
        lps_mm = np.asarray(self.origin_lps_mm) + self.scale * np.asarray(anatomy_mm, float)
        for _ in range(STEPS_BACK):
            lps_mm = lps_mm + self.scale * (anatomy_mm - self.to_anatomy(lps_mm))
        return lps_mm


class Space:
    """The voxels of ``grid`` in the standard anatomy of a patient.

    Attributes:
        x, y, z: float32 arrays of the grid's shape, LPS mm in the standard anatomy.
        voxel_mm: edge of a cube as large as a voxel, the width over which surfaces are softened.
    """

    def __init__(self, grid: Grid, pose: Pose) -> None:
        self.grid = grid
        self.voxel_mm = float(np.cbrt(grid.voxel_volume_mm3))
        self._index = [_nodes(n, s) for n, s in zip(grid.shape_zyx, grid.spacing_mm, strict=True)]
        index = np.stack(np.meshgrid(*self._index, indexing="ij"), axis=-1)
        nodes = np.moveaxis(pose.to_anatomy(grid.to_lps_mm(index)).astype(np.float32), -1, 0)
        weights = [_interpolation(n, nodes) for n, nodes in zip(grid.shape_zyx, self._index, strict=True)]
        self.x, self.y, self.z = (_upsample(values, weights) for values in nodes)
        self._nodes = np.ascontiguousarray(nodes[::-1])  # z, y, x, as the array axes

    def near(self, shape: Shape, margin_mm: float = 0.0) -> tuple[slice, slice, slice] | None:
        """A sub-box of voxels that holds all within ``margin_mm`` of ``shape``, None where there are none."""
        low, high = shape.bounds()
        reach = margin_mm + NODE_REACH_MM
        block = [slice(None)] * 3
        found = []
        # one axis after the other, each on what the last one left: 20 times faster than all nodes at once
        for axis in range(3):
            values = self._nodes[axis][tuple(block)]
            inside = (values > low[2 - axis] - reach) & (values < high[2 - axis] + reach)
            hit = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
            if not len(hit):
                return None
            block[axis] = slice(int(hit[0]), int(hit[-1]) + 1)
            found.append(slice(int(self._index[axis][hit[0]]), int(self._index[axis][hit[-1]]) + 1))
        return found[0], found[1], found[2]

    def distance(self, shape: Shape, box: tuple[slice, slice, slice]) -> Field:
        """Signed distance of the voxels of ``box`` to ``shape`` in mm."""
        return shape.distance(self.x[box], self.y[box], self.z[box])

    @cached_property
    def scanner_mm(self) -> tuple[Field, Field, Field]:
        """LPS x, y, z of the voxels in the scanner; float32 arrays that broadcast to the grid's shape."""
        z, y, x = np.ogrid[tuple(slice(0, n) for n in self.grid.shape_zyx)]
        affine = self.grid.affine
        axes = [affine[a, 0] * z + affine[a, 1] * y + affine[a, 2] * x + affine[a, 3] for a in range(3)]
        return axes[0].astype(np.float32), axes[1].astype(np.float32), axes[2].astype(np.float32)


def _nodes(count: int, spacing_mm: float) -> NDArray[np.int64]:
    pieces = max(1, int(np.ceil((count - 1) * spacing_mm / STRIDE_MM)))
    return np.unique(np.round(np.linspace(0, count - 1, pieces + 1)).astype(np.int64))


def _interpolation(count: int, nodes: NDArray[np.int64]) -> Field:
    """(count, nodes) linear weights. Dense on purpose: three small matrix products beat any gather."""
    return np.stack([np.interp(np.arange(count), nodes, row) for row in np.eye(len(nodes))], axis=1).astype(np.float32)


def _upsample(values: Field, weights: list[Field]) -> Field:
    values = np.tensordot(weights[0], values, axes=(1, 0))
    values = np.matmul(weights[1], values)
    return np.asarray(np.matmul(values, weights[2].T), np.float32)
