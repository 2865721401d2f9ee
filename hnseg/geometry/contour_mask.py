"""From the contours of a structure to a mask: a voxel belongs to it where its centre lies inside.

Contours are taken to the index space of the grid, in which its slices are flat whatever way the patient lay; nothing is
rounded to voxels. What a slice takes from which contours says :mod:`hnseg.geometry.contour_planes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.contour_planes import Planes, Source, find_planes, group_near, sources, tolerance_mm
from hnseg.geometry.contour_shape import ContourShape, Window, contour_shape
from hnseg.geometry.polygon_fill import without_noise
from hnseg.geometry.shape_interpolation import Outline, between, outline
from hnseg.types import Grid

# contours closer than this in all directions are one that was written twice
_SAME_MM = 0.05
# no patient is as large: positions beyond are damaged
_FARTHEST_MM = 1e5


def contour_mask(contours: Sequence[NDArray[Any]], grid: Grid) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """The voxels whose centres lie inside a structure.

    * An inner contour is a hole, one inside a hole an island; contours that overlap in part are united; the same
      contour twice counts once. A contour is filled by the even-odd rule, so that keyhole contours have their holes.
    * A centre exactly on an edge belongs to the side towards the patient's left, back and head, so that two structures
      with a common edge share no voxel and leave none out.
    * A contour of fewer than three different points has no area, and no centre lies inside it.
    * Slices between contours are interpolated by shape.

    Args:
        contours: closed, (n, 3) LPS mm each; the last point may repeat the first.
        grid: any orientation, left-handed ones included.

    Returns:
        bool mask of the grid's shape, and what was found and decided, in sentences with counts.
    """
    notes: list[str] = []
    upright, flipped = _upright(grid)
    drawn = _drawn_in_slices(contours, upright, notes)
    mask = np.zeros(grid.shape_zyx, np.bool_)
    if drawn:
        _Structure(drawn, upright, notes).paint(mask, notes)
    if len(contours) and not mask.any():
        notes.append("no voxel lies inside its contours, so its mask is empty")
    return np.ascontiguousarray(np.flip(mask, flipped)), tuple(notes)


def _upright(grid: Grid) -> tuple[Grid, tuple[int, ...]]:
    """The same voxels with each axis towards increasing LPS, and the axes that were turned round.

    So a voxel on an edge falls to the same side in every grid, and a mirrored grid has the mirrored mask.
    """
    direction = np.asarray(grid.direction, float)
    main = direction[np.abs(direction).argmax(axis=0), np.arange(3)]
    flipped = tuple(np.flatnonzero(main < 0).tolist())
    first = np.zeros(3)
    first[list(flipped)] = np.asarray(grid.shape_zyx)[list(flipped)] - 1
    x, y, z = grid.to_lps_mm(first).tolist()
    return Grid(grid.shape_zyx, grid.spacing_mm, (x, y, z), direction * np.where(main < 0, -1.0, 1.0)), flipped


def _drawn_in_slices(contours: Sequence[NDArray[Any]], grid: Grid, notes: list[str]) -> list[NDArray[np.float64]]:
    """Indices (n, 3) in z, y, x of the contours that are areas in planes parallel to the slices."""
    tolerance = tolerance_mm(grid.spacing_mm[0]) / grid.spacing_mm[0]
    kept, damaged, without_area, across = [], 0, 0, 0
    for contour in contours:
        points_mm = np.asarray(contour, float).reshape(-1, 3)
        if not np.all(np.abs(points_mm) < _FARTHEST_MM):
            damaged += 1
            continue
        index = without_noise(grid.to_index_zyx(points_mm))
        height = np.median(index[:, 0]) if len(index) else 0.0
        if not _has_three_points(index):
            without_area += 1
        elif np.any(np.abs(index[:, 0] - height) > tolerance):
            across += 1
        else:
            kept.append(index)
    n = len(contours)
    _note(notes, damaged, f"{damaged} of {n} contours have positions that are no numbers, or beyond 100 m: not taken")
    _note(notes, without_area, f"{without_area} of {n} contours have fewer than 3 different points: no area, not taken")
    _note(notes, across, f"{across} of {n} contours lie in planes that are not parallel to the slices: not taken")
    return kept


def _has_three_points(index: NDArray[np.float64]) -> bool:
    others = index[np.any(index != index[:1], axis=1)]
    return bool(np.any(others != others[:1]))


class _Structure:
    """Contours of one structure on the slices of one grid; indices in z, y, x."""

    def __init__(self, contours: list[NDArray[np.float64]], grid: Grid, notes: list[str]) -> None:
        self._grid = grid
        self._spacing_yx_mm = grid.spacing_mm[1:]
        heights_mm = np.array([np.median(c[:, 0]) for c in contours]) * grid.spacing_mm[0]
        groups = group_near(heights_mm, tolerance_mm(grid.spacing_mm[0]))
        same_yx = _SAME_MM / np.asarray(self._spacing_yx_mm)
        self._shapes = [contour_shape([contours[i][:, 1:] for i in group], same_yx) for group in groups]
        positions_mm = np.array([np.median(heights_mm[group]) for group in groups])
        self._planes = find_planes(positions_mm, grid.spacing_mm[0])
        self._outline = lru_cache(maxsize=4)(self._new_outline)
        _note_shapes(notes, self._shapes)
        _note_edges(notes, contours, grid)

    def paint(self, mask: NDArray[np.bool_], notes: list[str]) -> None:
        """Fill (Z, Y, X) ``mask`` slice by slice."""
        taken = sources(self._planes, self._grid.spacing_mm[0], self._grid.shape_zyx[0])
        direct_empty = between_empty = 0
        for z, source in enumerate(taken):
            if source is None:
                continue
            mask[z] = self._slice(source)
            empty = not mask[z].any()
            direct_empty += empty and source.below == source.above
            between_empty += empty and source.below != source.above
        _note(notes, direct_empty, f"on {direct_empty} slices its contours hold no voxel centre")
        _note(
            notes, between_empty, f"on {between_empty} slices between contours of unlike place nothing was interpolated"
        )
        self._note_planes(notes, taken)

    def _slice(self, source: Source) -> NDArray[np.bool_]:
        if source.below == source.above:
            return self._shapes[source.below].fill(Window((0, 0), self._grid.shape_zyx[1:]))
        return between(self._outline(source.below), self._outline(source.above), source.fraction, self._spacing_yx_mm)

    def _new_outline(self, plane: int) -> Outline:
        return outline(self._shapes[plane], self._grid.shape_zyx[1:], self._spacing_yx_mm)

    def _note_planes(self, notes: list[str], taken: list[Source | None]) -> None:
        planes, spacing_mm = self._planes, self._grid.spacing_mm[0]
        used = {i for source in taken if source for i in (source.below, source.above)}
        unused = np.array([i not in used for i in range(len(planes.positions_mm))])
        beyond = (planes.positions_mm < -spacing_mm / 2) | (
            planes.positions_mm > (self._grid.shape_zyx[0] - 0.5) * spacing_mm
        )
        outside, skipped = int((unused & beyond).sum()), int((unused & ~beyond).sum())
        made = sum(source is not None and source.below != source.above for source in taken)
        n = len(unused)
        _note(
            notes, outside, f"{outside} of {n} contour planes lie before the first or behind the last slice: not taken"
        )
        _note(notes, skipped, f"{skipped} of {n} contour planes lie between slices that take nearer ones")
        _note(notes, made, f"{made} slices were interpolated between contours that are {planes.step_mm:.2f} mm apart")
        self._note_gaps(notes, planes)

    def _note_gaps(self, notes: list[str], planes: Planes) -> None:
        if n := planes.too_far_mm:
            notes.append(f"its contours are {n:.1f} mm apart, too far to interpolate: the slices between stay empty")
        gaps = [i for i in planes.forgotten() if (self._outline(int(i)).mask & self._outline(int(i) + 1).mask).any()]
        _note(
            notes,
            len(gaps),
            f"{len(gaps)} times one contour seems to be forgotten between two others; the slices there stay empty",
        )


def _note_shapes(notes: list[str], shapes: list[ContourShape]) -> None:
    doubles, overlaps = sum(s.doubles for s in shapes), sum(s.overlaps for s in shapes)
    many = sum(not s.compared for s in shapes)
    _note(notes, doubles, f"{doubles} contours are there twice; they count once")
    _note(notes, overlaps, f"{overlaps} pairs of contours overlap in part; they were united")
    _note(notes, many, f"{many} planes have too many contours to be compared; all went into the even-odd rule")


def _note_edges(notes: list[str], contours: list[NDArray[np.float64]], grid: Grid) -> None:
    last = np.asarray(grid.shape_zyx[1:]) - 0.5
    # a contour around the outermost voxels may lie on their far side
    beyond = sum(bool(np.any((c[:, 1:] < -1.5) | (c[:, 1:] > last + 1))) for c in contours)
    _note(notes, beyond, f"{beyond} of {len(contours)} contours reach beyond the edge of the image; cut there")


def _note(notes: list[str], count: int, text: str) -> None:
    if count:
        notes.append(text)
