"""Signed-distance shapes in millimetres, from which the anatomy is put together.

Every shape answers two questions: between which corners it lies (``bounds``), and how far a point is from its surface
(``distance``, in mm, negative inside, exact near the surface and roughly right elsewhere). Points are three arrays
x, y, z that broadcast against each other, in the LPS frame of the standard anatomy (`hnseg.phantom.anatomy`).

The first-order distance ``f / |grad f|`` of an implicit surface is Taubin's (IEEE PAMI 13(11), 1991,
doi:10.1109/34.103273, section IV); the polynomial smooth minimum is standard constructive solid geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = tuple[float, float, float]
Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


class Shape(Protocol):
    """Anything with a surface."""

    def bounds(self) -> Bounds:
        """Lowest and highest corner (x, y, z) in mm."""

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        """Signed distance in mm, negative inside."""


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its axes along x, y, z, or along the rows of ``axes`` (3, 3) where given."""

    center: Point
    radii: Point
    axes: NDArray[np.float64] | None = None

    def bounds(self) -> Bounds:
        reach = np.asarray(self.radii, float)
        if self.axes is not None:
            reach = np.sqrt(((self.axes * reach[:, None]) ** 2).sum(axis=0))
        return np.asarray(self.center) - reach, np.asarray(self.center) + reach

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        p = [v - np.float32(c) for v, c in zip((x, y, z), self.center, strict=True)]
        if self.axes is not None:
            rows = self.axes.astype(np.float32)
            p = [row[0] * p[0] + row[1] * p[1] + row[2] * p[2] for row in rows]
        # the small offsets matter at the very centre, where they give minus the smallest radius instead of 0 / 0
        level = np.full(np.broadcast(*p).shape, 1e-6, np.float32)
        slope = np.full_like(level, 1e-6 / min(self.radii) ** 2)
        for v, r in zip(p, self.radii, strict=True):
            scaled = v / np.float32(r)
            level += scaled * scaled
            scaled = scaled / np.float32(r)
            slope += scaled * scaled
        level = np.sqrt(level)
        return np.asarray(level * (level - 1) / np.sqrt(slope), np.float32)


@dataclass(frozen=True)
class Tube:
    """A round tube through ``points``, thickening linearly from radius to radius; ``stretch`` flattens its section.

    ``stretch`` (x, y, z) multiplies the section's reach along each axis: (1, 1, 2) is twice as tall as wide.
    """

    points: tuple[Point, ...]
    radii: tuple[float, ...]
    stretch: Point = (1.0, 1.0, 1.0)

    def bounds(self) -> Bounds:
        reach = max(self.radii) * np.asarray(self.stretch)
        points = np.asarray(self.points)
        return points.min(axis=0) - reach, points.max(axis=0) + reach

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        stretch = np.asarray(self.stretch, np.float32)
        points = np.asarray(self.points, np.float32) / stretch
        p = [v / s for v, s in zip((x, y, z), stretch, strict=True)]
        nearest: Field | None = None
        ends = zip(points[:-1], points[1:], self.radii[:-1], self.radii[1:], strict=True)
        for start, end, radius, next_radius in ends:
            found = _segment(p, start, end, radius, next_radius)
            nearest = found if nearest is None else np.minimum(nearest, found)
        assert nearest is not None, "a tube needs at least two points"
        return nearest * np.float32(stretch.min())


def _segment(p: list[Field], start: Field, end: Field, radius: float, next_radius: float) -> Field:
    along = end - start
    offset = [v - s for v, s in zip(p, start, strict=True)]
    share = (offset[0] * along[0] + offset[1] * along[1] + offset[2] * along[2]) / np.float32(along @ along + 1e-6)
    np.clip(share, 0, 1, out=share)
    apart = sum((o - share * a) ** 2 for o, a in zip(offset, along, strict=True))
    return np.asarray(np.sqrt(apart) - (np.float32(radius) + share * np.float32(next_radius - radius)), np.float32)


@dataclass(frozen=True)
class RoundBox:
    """A box with rounded edges; ``half`` is its half size, ``radius`` the rounding, included in it."""

    center: Point
    half: Point
    radius: float = 1.0

    def bounds(self) -> Bounds:
        return np.asarray(self.center) - self.half, np.asarray(self.center) + self.half

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        outside = np.zeros(np.broadcast(x, y, z).shape, np.float32)
        inside = np.full_like(outside, -1e3)
        for v, c, h in zip((x, y, z), self.center, self.half, strict=True):
            apart = np.abs(v - np.float32(c)) - np.float32(h - self.radius)
            outside += np.maximum(apart, 0) ** 2
            np.maximum(inside, apart, out=inside)
        return np.asarray(np.sqrt(outside) + np.minimum(inside, 0) - np.float32(self.radius), np.float32)


@dataclass(frozen=True)
class Column:
    """Stacked axial sections, each two half ellipses (power 2) or half superellipses (power 4) joined at their widest.

    Each row of ``levels`` is (z, front y, back y, y of the greatest width, half width), from the top down;
    sections between rows are interpolated. Top and bottom are flat.
    """

    levels: tuple[tuple[float, float, float, float, float], ...]
    power: int = 2
    x: float = 0.0

    def bounds(self) -> Bounds:
        rows = np.asarray(self.levels)
        width = rows[:, 4].max()
        low = np.array([self.x - width, rows[:, 1].min(), rows[:, 0].min()])
        return low, np.array([self.x + width, rows[:, 2].max(), rows[:, 0].max()])

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        rows = np.asarray(self.levels)[::-1]
        step = 0.5  # mm: the sections change by less than that between entries
        heights = np.arange(rows[0, 0], rows[-1, 0] + step, step)
        table = np.stack([np.interp(heights, rows[:, 0], column) for column in rows[:, 1:].T]).astype(np.float32)
        index = ((z - np.float32(rows[0, 0])) * np.float32(1 / step)).astype(np.int32)
        np.clip(index, 0, len(heights) - 1, out=index)
        v = y - table[2][index]
        depth = np.where(v < 0, (table[2] - table[0])[index], (table[1] - table[2])[index])
        flat = _section(x - np.float32(self.x), v, table[3][index], depth, self.power)
        caps = np.maximum(np.float32(rows[0, 0]) - z, z - np.float32(rows[-1, 0]))
        return np.asarray(np.maximum(flat, caps), np.float32)


def _section(u: Field, v: Field, width: Field, depth: Field, power: int) -> Field:
    """First-order distance to ``(u / width)^power + (v / depth)^power = 1``."""
    a, b = (u / width) ** 2, (v / depth) ** 2
    if power == 2:
        level = np.sqrt(a + b)
        slope = np.sqrt(a / width**2 + b / depth**2) / (level + np.float32(1e-6))
    else:
        level = np.sqrt(np.sqrt(a * a + b * b))
        slope = np.sqrt(a**3 / width**2 + b**3 / depth**2) / (level**3 + np.float32(1e-6))
    return np.asarray((level - 1) / np.maximum(slope, 1 / np.maximum(width, depth)), np.float32)
