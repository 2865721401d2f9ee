"""How a phantom patient lies in a DICOM scanner: feet first, prone, under a tilted gantry, in another frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from hnseg.geometry.shear import unsheared_shape
from hnseg.types import Grid

TILT_DEG = 9.0
FEET_FIRST_AXES = (0, 2)
"""A patient with the feet first has the right side where the left was: rows run to the right, slices to the feet."""
PRONE_AXES = (1, 2)
_FRAME_SHIFT_MM = np.array([14.0, -23.0, 41.0])
_FRAME_TURN_DEG = (1.5, -2.0, 4.0)


def mirror_axes(grid: Grid, axes: tuple[int, ...]) -> Grid:
    """The same voxels with some array axes running the other way."""
    direction = np.array(grid.direction)
    direction[:, list(axes)] *= -1
    start = [grid.shape_zyx[axis] - 1 if axis in axes else 0 for axis in range(3)]
    return replace(grid, origin_mm=_triple(grid.to_lps_mm(np.array(start))), direction=direction)


def tilted_slices(grid: Grid) -> Grid:
    """Where the pixels of an axial scan lie under a tilted gantry: slices are turned, the table moves as before.

    Columns of the direction are no longer perpendicular: an affine grid to paint on, not one to write to NIfTI.
    """
    tilt = np.deg2rad(TILT_DEG)
    direction = np.array(grid.direction)
    direction[:, 1] = 0.0, np.cos(tilt), -np.sin(tilt)
    return replace(grid, direction=direction)


def straightened(tilted: Grid) -> tuple[Grid, NDArray[np.float64]]:
    """The rectangular grid that holds a tilted scan, and by how many pixels each slice's image lies beside it.

    Returns:
        the grid: turned, with slices closer together and more rows; (Z, 2) shifts down and along, at least 0, as
        `hnseg.geometry.shear` has them.
    """
    along, down, right = np.array(tilted.direction).T
    normal = np.cross(right, down)
    step, pixel = tilted.spacing_mm[0], tilted.spacing_mm[1]
    drift_px = np.arange(tilted.shape_zyx[0]) * step * float(along @ down) / pixel
    shift_px = np.stack([drift_px - drift_px.min(), np.zeros_like(drift_px)], axis=1)
    grid = Grid(
        unsheared_shape(tilted.shape_zyx, shift_px),
        (step * float(along @ normal), *tilted.spacing_mm[1:]),
        _triple(np.asarray(tilted.origin_mm) + drift_px.min() * pixel * down),
        np.stack([normal, down, right], axis=1),
    )
    return grid, shift_px


def moved_frame(grid: Grid) -> tuple[Grid, NDArray[np.float64]]:
    """An axial scan made with the patient elsewhere on the table, the head turned a little.

    Returns:
        where its voxels lie in the frame of reference of ``grid``; (4, 4) that takes positions of the scanner's own
        frame, in which ``grid`` has its axial numbers, there.
    """
    turn = Rotation.from_euler("xyz", _FRAME_TURN_DEG, degrees=True).as_matrix()
    middle = grid.to_lps_mm((np.asarray(grid.shape_zyx) - 1) / 2)
    # the scanner's frame is that of the CT moved by the shift, so that the grid's middle comes back to itself
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = np.round(middle - turn @ (middle + _FRAME_SHIFT_MM), 4)
    return matrix_applied(own_frame(grid), matrix), matrix


def own_frame(grid: Grid) -> Grid:
    """``grid`` in the frame of reference of a scan of its own."""
    return replace(grid, origin_mm=_triple(np.asarray(grid.origin_mm) + _FRAME_SHIFT_MM))


def matrix_applied(grid: Grid, matrix: NDArray[np.float64]) -> Grid:
    """``grid`` where a rigid (4, 4) transform takes it."""
    origin = matrix[:3, :3] @ np.asarray(grid.origin_mm) + matrix[:3, 3]
    return replace(grid, origin_mm=_triple(origin), direction=matrix[:3, :3] @ grid.direction)


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z
