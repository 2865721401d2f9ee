"""Shapes made of shapes: unions, intersections, shells, mirror images and rough surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Bounds, Field, Shape


@dataclass(frozen=True)
class Union:
    """What lies in any of ``shapes``; ``blend_mm`` rounds the seams."""

    shapes: tuple[Shape, ...]
    blend_mm: float = 0.0

    def bounds(self) -> Bounds:
        corners = [shape.bounds() for shape in self.shapes]
        low, high = np.min([c[0] for c in corners], axis=0), np.max([c[1] for c in corners], axis=0)
        return low - self.blend_mm / 4, high + self.blend_mm / 4

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        total = self.shapes[0].distance(x, y, z)
        for shape in self.shapes[1:]:
            other = shape.distance(x, y, z)
            near = np.minimum(total, other)
            if self.blend_mm > 0:
                seam = np.maximum(np.float32(self.blend_mm) - np.abs(total - other), 0)
                near -= seam * seam / np.float32(4 * self.blend_mm)
            total = near
        return total


@dataclass(frozen=True)
class Without:
    """What lies in ``shape`` but in none of ``others``."""

    shape: Shape
    others: tuple[Shape, ...]

    def bounds(self) -> Bounds:
        return self.shape.bounds()

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        total = self.shape.distance(x, y, z)
        for other in self.others:
            total = np.maximum(total, -other.distance(x, y, z))
        return total


@dataclass(frozen=True)
class Intersection:
    """What lies in all of ``shapes``."""

    shapes: tuple[Shape, ...]

    def bounds(self) -> Bounds:
        corners = [shape.bounds() for shape in self.shapes]
        return np.max([c[0] for c in corners], axis=0), np.min([c[1] for c in corners], axis=0)

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        total = self.shapes[0].distance(x, y, z)
        for shape in self.shapes[1:]:
            total = np.maximum(total, shape.distance(x, y, z))
        return total


@dataclass(frozen=True)
class HalfSpace:
    """All points p with ``p . normal >= offset_mm``; ``normal`` has length 1."""

    normal: tuple[float, float, float]
    offset_mm: float

    def bounds(self) -> Bounds:
        return np.full(3, -1e4), np.full(3, 1e4)

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        a, b, c = (np.float32(v) for v in self.normal)
        return np.asarray(np.float32(self.offset_mm) - (a * x + b * y + c * z), np.float32)


@dataclass(frozen=True)
class Grown:
    """``shape`` with its surface moved outwards by ``mm`` (inwards where negative)."""

    shape: Shape
    mm: float

    def bounds(self) -> Bounds:
        low, high = self.shape.bounds()
        return low - self.mm, high + self.mm

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        return self.shape.distance(x, y, z) - np.float32(self.mm)


@dataclass(frozen=True)
class Mirrored:
    """``shape`` on the other side of the body."""

    shape: Shape

    def bounds(self) -> Bounds:
        low, high = (corner.copy() for corner in self.shape.bounds())
        low[0], high[0] = -high[0], -low[0]
        return low, high

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        return self.shape.distance(-x, y, z)


@dataclass(frozen=True)
class Rough:
    """``shape`` with its surface moved in and out by smooth noise of standard deviation ``mm``."""

    shape: Shape
    noise: SmoothNoise
    mm: float

    def bounds(self) -> Bounds:
        low, high = self.shape.bounds()
        return low - 2.5 * self.mm, high + 2.5 * self.mm

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        shift = np.clip(self.noise.values(x, y, z), -2.5, 2.5)
        return self.shape.distance(x, y, z) + np.float32(self.mm) * shift
