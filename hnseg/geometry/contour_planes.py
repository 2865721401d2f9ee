"""The planes that a structure was drawn in, and what each slice of an image takes from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# digits that planning systems leave away when they write positions
ROUNDING_MM = 0.05
# a part of the slice spacing: contours drawn on a PET lie this far beside the slices of its CT, and its slices beside a
# regular grid
SLICE_PART = 0.1
# thicker slices are not made in CT or PET; contours further apart than this were drawn one by one
_LARGEST_STEP_MM = 10.0
# beyond so many steps two planes are not neighbours; a step of 2 is one contour that is missing
_NEIGHBOURS = 1.5
_ONE_MISSING = 2.5


@dataclass(frozen=True)
class Source:
    """What a slice is made of: the planes on both sides, and how far it lies from the first one to the second.

    ``below == above`` where a slice takes a plane as it is.
    """

    below: int
    above: int
    fraction: float = 0.0

    def nearer(self) -> Source:
        """The nearer of the two as it is; at exactly half the one above."""
        plane = self.below if self.fraction < 0.5 else self.above
        return Source(plane, plane)


@dataclass(frozen=True, eq=False)
class Planes:
    """Planes of one structure.

    Attributes:
        positions_mm: (p,) along the slice normal, from the first slice; ascending.
        step_mm: the structure's own contour spacing.
        reach_mm: planes further apart are not neighbours: what lies between them is a gap.
        too_far_mm: their regular step where it is too large for one; 0 else.
    """

    positions_mm: NDArray[np.float64]
    step_mm: float
    reach_mm: float
    too_far_mm: float = 0.0

    def forgotten(self, height_mm: float = np.inf) -> NDArray[np.int64]:
        """Planes behind which one contour seems to be missing, in an image that reaches from 0 to ``height_mm``."""
        steps = np.diff(self.positions_mm)
        seen = (self.positions_mm[1:] > 0) & (self.positions_mm[:-1] < height_mm)
        return np.flatnonzero((steps > self.reach_mm) & (steps <= _ONE_MISSING * self.step_mm) & seen)


def tolerance_mm(slice_spacing_mm: float) -> float:
    """How far beside a slice a contour may lie that was drawn on it."""
    return SLICE_PART * slice_spacing_mm + ROUNDING_MM


def group_near(values_mm: NDArray[Any], near_mm: float) -> list[NDArray[np.int64]]:
    """Indices of (n,) values, n at least 1, in groups that lie within ``near_mm``; groups ascending.

    A chain of values, each near the next, is no group: such values are grouped within rounding.
    """
    order = np.argsort(values_mm, kind="stable")
    start = np.zeros(1, np.int64)
    for tolerance in (near_mm, ROUNDING_MM):
        start = np.concatenate([[0], np.flatnonzero(np.diff(values_mm[order]) > tolerance) + 1])
        end = np.append(start[1:], len(order))
        if np.all(values_mm[order[end - 1]] - values_mm[order[start]] <= tolerance):
            break
    return np.split(order, start[1:])


def lie_on_slices(positions_mm: NDArray[Any], slice_spacing_mm: float) -> bool:
    """Whether all contours were drawn on slices of an image of that spacing."""
    height = np.rint(positions_mm / slice_spacing_mm) * slice_spacing_mm
    return bool(np.all(np.abs(positions_mm - height) <= tolerance_mm(slice_spacing_mm)))


def find_planes(positions_mm: NDArray[Any], slice_spacing_mm: float) -> Planes:
    """The contour spacing of planes at (p,) ascending positions on an image of such slices.

    It is the step that comes most often; a larger one that is more than half as frequent wins, because a structure that
    was drawn on every second slice is refined in part. Where no step comes twice it is the slice spacing if the
    structure was drawn on the slices of this image, else the smallest step.
    """
    on_slices = lie_on_slices(positions_mm, slice_spacing_mm)
    step = _regular_step_mm(np.diff(positions_mm), on_slices) or slice_spacing_mm
    too_far_mm = 0.0
    if step > max(_LARGEST_STEP_MM, _NEIGHBOURS * slice_spacing_mm):
        step, too_far_mm = slice_spacing_mm, step
    # what lies closer than one slice to the next is no gap that this image could show
    return Planes(np.asarray(positions_mm, float), step, max(_NEIGHBOURS * step, slice_spacing_mm), too_far_mm)


def _regular_step_mm(steps_mm: NDArray[Any], on_slices: bool) -> float | None:
    if not len(steps_mm):
        return None
    groups = group_near(steps_mm, SLICE_PART * float(steps_mm.min()) + ROUNDING_MM)
    counts = np.array([len(group) for group in groups])
    regular = np.flatnonzero((counts > 1) & (2 * counts > counts.max()))
    if len(regular):
        return float(np.median(steps_mm[groups[regular[-1]]]))
    return None if on_slices else float(steps_mm.min())


def sources(planes: Planes, slice_spacing_mm: float, slices: int) -> list[Source | None]:
    """What each slice is made of; None where it lies outside the structure.

    A plane that lies in the slice is taken as it is. Between neighbours a slice is interpolated. Elsewhere it takes the
    plane that is nearer than half the contour spacing, and at exactly half (within rounding) the one above it:
    half-open as the edges of polygons are, so that the slices of a structure fill the height of its contours. Where
    every second slice of the image itself was drawn, exactly half is the rule and no chance: the slices behind the
    first and the last contour are then left out alike, and the structure stays where it was drawn.
    """
    half, positions = planes.step_mm / 2, planes.positions_mm
    lowest = -half + ROUNDING_MM if lie_on_slices(positions, slice_spacing_mm) else -half - ROUNDING_MM
    found: list[Source | None] = []
    for height in np.arange(slices) * slice_spacing_mm:
        above = int(np.searchsorted(positions, height))
        around = [i for i in (above - 1, above) if 0 <= i < len(positions)]
        nearest = min(around, key=lambda i: abs(positions[i] - height))
        beside = height - positions[nearest]
        if abs(beside) <= tolerance_mm(slice_spacing_mm):
            found.append(Source(nearest, nearest))
        elif len(around) == 2 and positions[above] - positions[above - 1] <= planes.reach_mm:
            length = positions[above] - positions[above - 1]
            found.append(Source(above - 1, above, float((height - positions[above - 1]) / length)))
        elif lowest <= beside < half - ROUNDING_MM:
            found.append(Source(nearest, nearest))
        else:
            found.append(None)
    return found
