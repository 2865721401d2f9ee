"""What the anatomy is made of: shapes with a name, a CT number and an uptake, painted one over the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hnseg.phantom.combine import Mirrored
from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Field, Shape
from hnseg.phantom.space import Space

Quantity = Literal["ct_hu", "pet_suv"]


@dataclass(frozen=True)
class Layer:
    """One shell of a structure: everything deeper than ``-grow_mm`` inside its shape.

    Attributes:
        name: what masks call it.
        ct_hu: mean CT number.
        pet_suv: mean uptake, body-weight SUV.
        grow_mm: where the shell begins; positive is outside the shape's surface.
        texture: smooth noise that varies the CT number and the uptake, and how much (HU, share of the SUV).
        folds: smooth noise that moves the shell's beginning, and by how many mm (the brain's cortex).
    """

    name: str
    ct_hu: float
    pet_suv: float
    grow_mm: float = 0.0
    texture: tuple[SmoothNoise, float, float] | None = None
    folds: tuple[SmoothNoise, float] | None = None


@dataclass(frozen=True)
class Structure:
    """A shape and its layers, outermost first.

    Attributes:
        skin_mm: where given, everything painted later stays this deep inside the shape.
    """

    shape: Shape
    layers: tuple[Layer, ...]
    skin_mm: float | None = None

    @classmethod
    def of(cls, name: str, shape: Shape, ct_hu: float, pet_suv: float) -> Structure:
        """A structure of a single material."""
        return cls(shape, (Layer(name, ct_hu, pet_suv),))

    @property
    def reach_mm(self) -> float:
        return max(layer.grow_mm + (2.5 * layer.folds[1] if layer.folds else 0) for layer in self.layers)


def both_sides(
    name: str, left: Shape, *, ct_hu: float, pet_suv: float, right_suv: float | None = None
) -> list[Structure]:
    """``left`` (x above 0 is the patient's left) and its mirror image, as ``<name>_L`` and ``<name>_R``."""
    right = pet_suv if right_suv is None else right_suv
    return [
        Structure.of(f"{name}_L", left, ct_hu, pet_suv),
        Structure.of(f"{name}_R", Mirrored(left), ct_hu, right),
    ]


def paint(
    structures: Sequence[Structure], space: Space, quantity: Quantity, background: float
) -> tuple[Field, NDArray[np.uint8], tuple[str, ...]]:
    """Paint ``structures`` in order on the grid of ``space``, later ones over earlier ones.

    Surfaces are softened over one voxel, which is what a voxel's partial volume does.

    Returns:
        image (Z, Y, X) float32 in HU or SUV; label map (Z, Y, X) uint8 of whose material a voxel's centre holds
        (0 is outside the body); the names of labels 1, 2, ...
    """
    names = layer_names(structures)
    image = np.full(space.grid.shape_zyx, background, np.float32)
    labels = np.zeros(space.grid.shape_zyx, np.uint8)
    skin = np.full(space.grid.shape_zyx, -1e3, np.float32)
    for structure in structures:
        box = space.near(structure.shape, structure.reach_mm + space.voxel_mm)
        if box is None:
            continue
        distance = space.distance(structure.shape, box)
        box, distance = _tighten(box, distance, structure.reach_mm + space.voxel_mm)
        if distance.size == 0:
            continue
        points = (space.x[box], space.y[box], space.z[box])
        for layer in structure.layers:
            depth = np.maximum(distance - np.float32(layer.grow_mm), skin[box])
            if layer.folds:
                depth += np.float32(layer.folds[1]) * np.clip(layer.folds[0].values(*points), -2.5, 2.5)
            share = np.clip(0.5 - depth / np.float32(space.voxel_mm), 0, 1)
            image[box] += share * (_material(layer, quantity, points) - image[box])
            labels[box][depth < 0] = names.index(layer.name) + 1
        if structure.skin_mm is not None:
            skin.fill(1e3)
            skin[box] = distance + np.float32(structure.skin_mm)
    return image, labels, names


def _tighten(
    box: tuple[slice, slice, slice], distance: Field, reach_mm: float
) -> tuple[tuple[slice, slice, slice], Field]:
    """Cut ``box`` down to the voxels within ``reach_mm``: boxes found at coarse nodes are generous."""
    close = distance < reach_mm
    cut = []
    for axis in range(3):
        hit = np.flatnonzero(close.any(axis=tuple(a for a in range(3) if a != axis)))
        cut.append(slice(int(hit[0]), int(hit[-1]) + 1) if len(hit) else slice(0, 0))
    inner = [slice(b.start + c.start, b.start + c.stop) for b, c in zip(box, cut, strict=True)]
    return (inner[0], inner[1], inner[2]), distance[tuple(cut)]


def _material(layer: Layer, quantity: Quantity, points: tuple[Field, Field, Field]) -> Field | np.float32:
    mean = np.float32(getattr(layer, quantity))
    if layer.texture is None:
        return mean
    noise, hu, share = layer.texture
    values = noise.values(*points)
    return mean + np.float32(hu) * values if quantity == "ct_hu" else mean * (1 + np.float32(share) * values)


def layer_names(structures: Iterable[Structure]) -> tuple[str, ...]:
    """Different layer names in order of first appearance; label ``i`` of `paint` is the ``i - 1``-th."""
    names = tuple(dict.fromkeys(layer.name for structure in structures for layer in structure.layers))
    assert len(names) < 256, "labels are uint8"
    return names
