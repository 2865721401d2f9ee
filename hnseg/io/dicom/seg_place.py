"""The frames of one segment, put on the grid of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.resample import resample
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.seg_frames import Planes
from hnseg.types import Grid, Volume

_OFF_SLICE = 0.1
"""Part of a slice by which a frame may miss the image's slice: rounded positions do by a hundredth, a slice between two
others by a third."""
_SAME_STEP = 1.5
"""A segmentation whose slices are this much thicker than the image's must be cut up, not laid on single slices."""


def place(
    masks: NDArray[np.bool_], frames: NDArray[np.int64], planes: Planes, grid: Grid, most_voxels: int
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Frames on a grid, exactly where the grid's slices are the frames' planes, else by the nearest voxel.

    Args:
        masks: (F, rows, columns).
        frames: (F,) places of them in ``planes``.
        grid: of the image.
        most_voxels: what an intermediate volume may have.

    Returns:
        (Z, Y, X) bool, and notes: another grid, and how much of the structure lies outside the image.

    Raises:
        RefusedDicomError: ``uneven_spacing``, ``gantry_tilt``, ``no_geometry`` or ``too_large`` for frames that make no
            volume and do not lie on the image's slices.
    """
    shown = masks.any(axis=(1, 2))
    masks, positions = masks[shown], planes.positions_lps_mm[frames[shown]]
    if not len(masks):
        return np.zeros(grid.shape_zyx, bool), ("empty: no voxel is marked",)
    slices = _slices(positions, masks.shape[1:], planes, grid)
    if slices is None:
        volume = _volume(masks, positions, planes, most_voxels)
        placed = resample(volume, grid, "nearest").array
        inside, frame_mm3 = _count_inside(volume.array, volume.grid, grid), volume.grid.voxel_volume_mm3
        moved = True
    else:
        placed, inside, moved = _on_slices(masks, positions, slices, planes, grid)
        frame_mm3 = planes.spacing_mm[0] * planes.spacing_mm[1] * grid.spacing_mm[0]
    return placed, _notes(masks, inside, placed, frame_mm3, grid, moved)


def _frame_grid(position: NDArray[np.float64], shape: tuple[int, ...], planes: Planes, grid: Grid) -> Grid:
    """One frame as a slab that is as thick as the image's slices."""
    direction = np.column_stack([grid.direction[:, 0], planes.column, planes.row])
    x, y, z = (float(v) for v in position)
    return Grid((1, shape[0], shape[1]), (grid.spacing_mm[0], *planes.spacing_mm), (x, y, z), direction)


def _slices(
    positions: NDArray[np.float64], shape: tuple[int, ...], planes: Planes, grid: Grid
) -> NDArray[np.int64] | None:
    """The slice of the grid in which each frame lies, maybe beyond its ends; None where one lies in none."""
    if planes.step_mm is not None and planes.step_mm > _SAME_STEP * grid.spacing_mm[0]:
        return None
    down, along = (shape[0] - 1) * planes.spacing_mm[0], (shape[1] - 1) * planes.spacing_mm[1]
    corners = np.array([a * planes.column + b * planes.row for a in (0, down) for b in (0, along)])
    depth = grid.to_index_zyx(positions[:, None] + corners[None])[..., 0]
    slices = np.rint(depth[:, 0])
    if np.abs(depth - slices[:, None]).max() > _OFF_SLICE:
        return None
    return np.asarray(slices, np.int64)


def _on_slices(
    masks: NDArray[np.bool_], positions: NDArray[np.float64], slices: NDArray[np.int64], planes: Planes, grid: Grid
) -> tuple[NDArray[np.bool_], int, bool]:
    """The mask on the grid, how many marked pixels lie inside it, and whether pixels had to be moved at all."""
    placed = np.zeros(grid.shape_zyx, bool)
    inside, moved = 0, False
    for mask, position, index in zip(masks, positions, slices.tolist(), strict=True):
        if not 0 <= index < grid.shape_zyx[0]:
            continue
        here, there = (
            _frame_grid(position, mask.shape, planes, grid),
            grid.crop((index, 0, 0), (1, *grid.shape_zyx[1:])),
        )
        if here.matches(there, _OFF_SLICE * min(grid.spacing_mm)):
            placed[index] |= mask
            inside += int(mask.sum())
        else:
            moved = True
            placed[index] |= resample(Volume(mask[None], here), there, "nearest").array[0]
            inside += _count_inside(mask[None], here, there)
    return placed, inside, moved


def _volume(masks: NDArray[np.bool_], positions: NDArray[np.float64], planes: Planes, most_voxels: int) -> Volume:
    """Frames as slices of a volume of their own."""
    normal = np.cross(planes.row, planes.column)
    depth = positions @ normal
    if planes.step_mm is None:
        raise RefusedDicomError(
            "no_geometry",
            "the segmentation lies between the image's slices, and neither SpacingBetweenSlices (0018,0088) nor its "
            "frames say how thick its own are",
        )
    steps = (depth - depth.min()) / planes.step_mm
    index = np.rint(steps).astype(int)
    if np.abs(steps - index).max() > _OFF_SLICE:
        raise RefusedDicomError(
            "uneven_spacing",
            f"the frames of the segmentation lie neither on the image's slices nor {planes.step_mm:.3f} mm apart",
        )
    first = positions[int(np.argmin(depth))]
    beside = (positions - first) - np.outer(depth - depth.min(), normal)
    if np.abs(beside).max() > _OFF_SLICE * min(planes.spacing_mm):
        raise RefusedDicomError(
            "gantry_tilt",
            f"the frames of the segmentation are shifted against each other by {np.abs(beside).max():.1f} mm, and do "
            "not lie on the image's slices",
        )
    shape = (int(index.max()) + 1, masks.shape[1], masks.shape[2])
    if np.prod(shape, dtype=float) > most_voxels:
        raise RefusedDicomError("too_large", f"a volume of {shape[0]} x {shape[1]} x {shape[2]} voxels is not allowed")
    array = np.zeros(shape, bool)
    for place_in_volume, mask in zip(index.tolist(), masks, strict=True):
        array[place_in_volume] |= mask
    x, y, z = (float(v) for v in first)
    spacing = (planes.step_mm, *planes.spacing_mm)
    return Volume(array, Grid(shape, spacing, (x, y, z), np.column_stack([normal, planes.column, planes.row])))


def _count_inside(mask: NDArray[np.bool_], grid: Grid, image: Grid) -> int:
    """Marked voxels of ``grid`` whose centres lie within the voxels of ``image``, slice by slice to save memory."""
    inside = 0
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        yx = np.argwhere(mask[index])
        there = image.to_index_zyx(grid.to_lps_mm(np.column_stack([np.full(len(yx), index), yx])))
        # a millionth of a voxel: rounding must not put the outermost ones outside
        within = (there > -0.5 - 1e-6) & (there < np.asarray(image.shape_zyx) - 0.5 + 1e-6)
        inside += int(within.all(axis=1).sum())
    return inside


def _notes(
    masks: NDArray[np.bool_], inside: int, placed: NDArray[np.bool_], frame_mm3: float, grid: Grid, moved: bool
) -> tuple[str, ...]:
    marked, notes = int(masks.sum()), []
    if moved:
        notes.append(
            f"drawn on another grid than the image's: {marked * frame_mm3:.0f} mm3 became "
            f"{int(placed.sum()) * grid.voxel_volume_mm3:.0f} mm3 by the nearest voxel"
        )
    if inside < marked:
        notes.append(f"{(marked - inside) / marked:.1%} of it lies outside the image and was lost")
    return tuple(notes)
