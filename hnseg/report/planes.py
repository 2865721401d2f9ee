"""Axial, coronal and sagittal slices of a patient, laid out as radiologists read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from hnseg.types import AXIAL_DIRECTION, Grid, Volume

FIELD_MM = 190.0


class Plane(NamedTuple):
    """One of the three ways to cut a volume whose axes run to superior, posterior and left.

    ``axis`` is the array axis that is cut; ``flip_rows`` puts superior at the top. ``letters`` stand at the left,
    right, top and bottom edge of the picture: the patient's left is on the right of the picture.
    """

    name: str
    axis: int
    flip_rows: bool
    letters: tuple[str, str, str, str]


PLANES = (
    Plane("axial", 0, False, ("R", "L", "A", "P")),
    Plane("coronal", 1, True, ("R", "L", "S", "I")),
    Plane("sagittal", 2, True, ("A", "P", "S", "I")),
)


@dataclass(frozen=True, eq=False)
class View:
    """The part of a patient that a picture shows: a box of voxels, and the voxel in it where the three planes meet."""

    start_zyx: tuple[int, int, int]
    stop_zyx: tuple[int, int, int]
    focus_zyx: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]

    def cut(self, array: NDArray[Any], plane: Plane) -> NDArray[Any]:
        """The 2-D slice of an array of shape (Z, Y, X) through the focus, rows from the top of the picture."""
        box: list[slice | int] = [slice(a, b) for a, b in zip(self.start_zyx, self.stop_zyx, strict=True)]
        box[plane.axis] = self.focus_zyx[plane.axis]
        flat = np.asarray(array[tuple(box)])
        return flat[::-1] if plane.flip_rows else flat

    def extent_mm(self, plane: Plane) -> tuple[float, float]:
        """Height and width of a slice."""
        sizes = [(b - a) * mm for a, b, mm in zip(self.start_zyx, self.stop_zyx, self.spacing_mm, strict=True)]
        del sizes[plane.axis]
        return sizes[0], sizes[1]


def to_standard(volume: Volume) -> Volume:
    """Turn a volume so that its axes run (nearly) to superior, posterior and left; nothing is interpolated."""
    along = AXIAL_DIRECTION.T @ volume.grid.direction  # how far each array axis runs along S, P and L
    order = _nearest_axes(np.abs(along))
    array = np.transpose(volume.array, order)
    signs = [along[row, order[row]] for row in range(3)]
    array = array[tuple(slice(None, None, -1 if sign < 0 else 1) for sign in signs)]
    start = np.zeros(3)
    for row, sign in enumerate(signs):
        start[order[row]] = volume.grid.shape_zyx[order[row]] - 1 if sign < 0 else 0
    direction = volume.grid.direction[:, order] * np.where(np.asarray(signs) < 0, -1.0, 1.0)
    spacing = [volume.grid.spacing_mm[axis] for axis in order]
    origin = [float(v) for v in volume.grid.to_lps_mm(start)]
    return Volume(array, Grid(array.shape, tuple(spacing), tuple(origin), direction))  # type: ignore[arg-type]


def view_of(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: tuple[float, float, float]) -> View:
    """Choose what to show: the slices with most tumour, or most prediction where there is no tumour, or the middle.

    Args:
        truth, prediction: (Z, Y, X) label maps, 0 for background.
        spacing_mm: (z, y, x).
    """
    target = truth > 0 if truth.any() else prediction > 0
    focus, start, stop = [], [], []
    for axis, size in enumerate(target.shape):
        area = target.sum(axis=tuple(other for other in range(3) if other != axis))
        largest = np.flatnonzero(area == area.max())
        centre = int(largest[len(largest) // 2])  # the middle one: of equal slices the first would be an edge
        length = min(size, max(1, round(FIELD_MM / spacing_mm[axis])))
        first = min(max(0, centre - length // 2), size - length)
        focus.append(centre)
        start.append(first)
        stop.append(first + length)
    return View(_triple(start), _triple(stop), _triple(focus), spacing_mm)


def outlines_mm(mask: NDArray[Any], pixel_mm: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Outlines of a 2-D mask, each (n, 2) as (x, y) in mm from the top left corner of the picture."""
    padded = np.pad(np.asarray(mask, float), 1)  # closes outlines at the border of the picture
    lines = find_contours(padded, 0.5)
    return [(line - 0.5)[:, ::-1] * np.asarray(pixel_mm)[::-1] for line in lines]


def _nearest_axes(along: NDArray[np.float64]) -> tuple[int, int, int]:
    """For each of S, P, L the array axis that runs most along it, each axis once."""
    left = along.copy()
    order = [0, 0, 0]
    for _ in range(3):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        order[int(row)] = int(column)
        left[row, :] = -1.0
        left[:, column] = -1.0
    return _triple(order)


def _triple(values: list[int]) -> tuple[int, int, int]:
    first, second, third = values
    return first, second, third
