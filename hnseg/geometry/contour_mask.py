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
from hnseg.geometry.drawn_contours import DrawnContours, drawn_in_slices, medians
from hnseg.geometry.shape_interpolation import Between, Outline, between, between_work, outline, outline_work
from hnseg.geometry.work import Work, row_crossings
from hnseg.types import Grid

# contours closer than this in all directions are one that was written twice
_SAME_MM = 0.05
# crossings, see hnseg.geometry.work: those of filling alone, and those of comparing contours and of interpolating
_MOST_FILLING = 200_000_000
_MOST_COMPARING = 800_000_000
_TOO_MUCH = "too much to fill, so its mask is empty"


def contour_mask(contours: Sequence[NDArray[Any]], grid: Grid) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """The voxels whose centres lie inside a structure.

    * An inner contour is a hole, one inside a hole an island; contours that overlap in part are united; the same
      contour twice counts once. A contour is filled by the even-odd rule, so that keyhole contours have their holes.
    * A centre exactly on an edge belongs to the side towards the patient's left, back and head, so that two structures
      with a common edge share no voxel and leave none out.
    * A contour of fewer than three different points has no area, and no centre lies inside it.
    * Slices between contours are interpolated by shape.
    * What would take minutes is not done, and a note says so: contours are not compared, slices between them take the
      nearer ones, or, where filling alone is too much, the mask stays empty. No structure of a patient comes near.

    Args:
        contours: closed, (n, 3) LPS mm each; the last point may repeat the first.
        grid: any orientation, left-handed ones included.

    Returns:
        bool mask of the grid's shape, and what was found and decided, in sentences with counts.
    """
    notes: list[str] = []
    upright, flipped = _upright(grid)
    drawn = drawn_in_slices(contours, upright, notes)
    mask = np.zeros(grid.shape_zyx, np.bool_)
    if len(drawn):
        _Structure(drawn, upright, notes).paint(mask, notes)
    if len(contours) and not mask.any() and not any(_TOO_MUCH in note for note in notes):
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


class _Structure:
    """Contours of one structure on the slices of one grid; indices in z, y, x."""

    def __init__(self, contours: DrawnContours, grid: Grid, notes: list[str]) -> None:
        self._contours, self._grid = contours, grid
        self._spacing_yx_mm = grid.spacing_mm[1:]
        heights_mm = contours.heights() * grid.spacing_mm[0]
        groups = group_near(heights_mm, tolerance_mm(grid.spacing_mm[0]))
        lengths = np.array([len(group) for group in groups])
        positions_mm = medians(np.sort(heights_mm), np.cumsum(lengths) - lengths, lengths)
        self._planes = find_planes(positions_mm, grid.spacing_mm[0])
        self._taken = sources(self._planes, grid.spacing_mm[0], grid.shape_zyx[0])
        self._forgotten = self._planes.forgotten((grid.shape_zyx[0] - 1) * grid.spacing_mm[0])
        used = {i for source in self._taken if source for i in (source.below, source.above)}
        seen = used | {int(i) + side for i in self._forgotten for side in (0, 1)}
        self._used, self._groups = used, {i: groups[i] for i in sorted(seen)}
        self._work = Work(_MOST_COMPARING)
        self._outline = lru_cache(maxsize=4)(self._new_outline)
        self._between = lru_cache(maxsize=1)(self._new_between)
        _note_edges(notes, contours, grid)

    def paint(self, mask: NDArray[np.bool_], notes: list[str]) -> None:
        """Fill (Z, Y, X) ``mask`` slice by slice."""
        if (crossings := self._filling()) > _MOST_FILLING:
            points = len(self._contours.index_zyx)
            notes.append(f"its {points} points cross the rows of the image {crossings:.0f} times: {_TOO_MUCH}")
            return
        same_yx = _SAME_MM / np.asarray(self._spacing_yx_mm)
        self._shapes = {
            i: contour_shape(self._contours.polygons_yx(group), same_yx, self._work)
            for i, group in self._groups.items()
        }
        _note_shapes(notes, list(self._shapes.values()))
        self._paint(mask, notes)

    def _filling(self) -> float:
        """Rows of samples that the edges on the planes that are needed cross, as far as they lie in the image."""
        needed = np.zeros(len(self._contours), np.bool_)
        for group in self._groups.values():
            needed[group] = True
        contours = self._contours.keep(needed)
        if not len(contours):
            return 0.0
        points_yx = contours.index_zyx[:, 1:].clip(0, self._grid.shape_zyx[1])
        return float(row_crossings(points_yx, contours.lengths).sum()) - len(points_yx)

    def _paint(self, mask: NDArray[np.bool_], notes: list[str]) -> None:
        direct_empty = between_empty = nearer = 0
        for z, source in enumerate(self._taken):
            if source is None:
                continue
            found = self._slice(source)
            nearer += found is None
            mask[z] = self._slice(source.nearer()) if found is None else found
            empty = not mask[z].any()
            direct_empty += empty and source.below == source.above
            between_empty += empty and source.below != source.above
        _note(notes, direct_empty, f"on {direct_empty} slices its contours hold no voxel centre")
        _note(
            notes, between_empty, f"on {between_empty} slices between contours of unlike place nothing was interpolated"
        )
        _note(notes, nearer, f"{nearer} slices between contours too intricate to interpolate take the nearer ones")
        self._note_planes(notes, nearer)

    def _slice(self, source: Source) -> NDArray[np.bool_] | None:
        """(Y, X) mask; None where it would be too much work to interpolate."""
        if source.below == source.above:
            return self._shapes[source.below].fill(Window((0, 0), self._grid.shape_zyx[1:]))
        found = self._between(source.below, source.above)
        return None if found is None else found.at(source.fraction)

    def _new_between(self, below: int, above: int) -> Between | None:
        outlines = self._outline(below), self._outline(above)
        first, second = outlines
        if first is None or second is None or not self._work.take(between_work(first, second)):
            return None
        return between(first, second, self._spacing_yx_mm)

    def _new_outline(self, plane: int) -> Outline | None:
        shape, shape_yx = self._shapes[plane], self._grid.shape_zyx[1:]
        if not self._work.take(outline_work(shape, shape_yx)):
            return None
        return outline(shape, shape_yx, self._spacing_yx_mm)

    def _note_planes(self, notes: list[str], nearer: int) -> None:
        planes, spacing_mm = self._planes, self._grid.spacing_mm[0]
        unused = np.ones(len(planes.positions_mm), np.bool_)
        unused[list(self._used)] = False
        beyond = (planes.positions_mm < -spacing_mm / 2) | (
            planes.positions_mm > (self._grid.shape_zyx[0] - 0.5) * spacing_mm
        )
        outside, skipped = int((unused & beyond).sum()), int((unused & ~beyond).sum())
        made = sum(source is not None and source.below != source.above for source in self._taken) - nearer
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
        whole = Window((0, 0), self._grid.shape_zyx[1:])
        gaps = [
            i for i in self._forgotten.tolist() if np.any(self._shapes[i].fill(whole) & self._shapes[i + 1].fill(whole))
        ]
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


def _note_edges(notes: list[str], contours: DrawnContours, grid: Grid) -> None:
    last, yx = np.asarray(grid.shape_zyx[1:]) - 0.5, contours.index_zyx[:, 1:]
    # a contour around the outermost voxels may lie on their far side
    beyond = contours.any_point(np.any((yx < -1.5) | (yx > last + 1), axis=1)).sum()
    _note(notes, beyond, f"{beyond} of {len(contours)} contours reach beyond the edge of the image; cut there")


def _note(notes: list[str], count: int, text: str) -> None:
    if count:
        notes.append(text)
