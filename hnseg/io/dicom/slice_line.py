"""The straight line of equal steps on which the slices of a series lie, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.wording import counted

PLACE_TOLERANCE_MM = 0.1
"""No slice is put further than this from where it says that it lies. Positions written with one decimal are off by
half of it, and the finest scans of the head and neck have pixels of three times as much."""

STEP_TOLERANCE = 0.1
"""The same as a share of the step between slices, for steps below a millimetre: a slice that is missing moves others
by at least 0.22 of a step (the middle one of three), mostly by half a step or more."""

SAME_PLACE_MM = 0.05
"""Slices nearer than this lie at the same place: several times what two decimals leave, half of the finest step that
scanners reconstruct."""

LEAST_TILT_DEG = 0.1
"""Below it a leaning line is rounding of direction cosines: three decimals leave half of it. Over a scan of 300 mm no
slice is then further than 0.26 mm from where it lies, and none has to be interpolated."""

MOST_TILT_DEG = 40.0
"""Gantries tilt by 30 degrees at most; beyond this the images are not one tilted scan."""


@dataclass(frozen=True, eq=False)
class SliceLine:
    """Slice ``i`` begins at ``start_mm + i * step_mm``, both as (along the normal, down a column, along a row)."""

    start_mm: NDArray[np.float64]
    step_mm: NDArray[np.float64]

    @property
    def tilt_deg(self) -> float:
        """Angle between the line and the normal; 0 where that is rounding, see :func:`slice_line`."""
        return float(np.degrees(np.arctan2(np.hypot(*self.step_mm[1:]), self.step_mm[0])))


def slice_line(places_mm: NDArray[np.float64], thicknesses_mm: Sequence[float | None] = ()) -> SliceLine:
    """The line through the slices, fitted to all of them, so that rounding does not add up.

    A line that leans against the normal by no more than rounding (:data:`PLACE_TOLERANCE_MM` in all, or
    :data:`LEAST_TILT_DEG`) is taken as upright.

    Args:
        places_mm: (N, 3) of at least two slices as (along the normal, down a column, along a row), first column
            ascending.
        thicknesses_mm: Slice Thickness of each, where known: slices of changing thickness are not missing ones.

    Raises:
        RefusedDicomError: ``double_slices``, ``missing_slices``, ``uneven_spacing``, ``gantry_tilt`` (tilted and
            unevenly spaced), ``shifted_slices``.
    """
    depths_mm = places_mm[:, 0]
    gaps_mm = np.diff(depths_mm)
    if gaps_mm.min() < SAME_PLACE_MM:
        _refuse_doubles(gaps_mm)
    if not evenly_spaced(depths_mm):
        _refuse_uneven(places_mm, thicknesses_mm)
    start, step, residual = _fit(np.arange(len(places_mm)), places_mm)
    line = SliceLine(start, step)
    middle = places_mm[:, 1:].mean(axis=0)
    upright = SliceLine(np.array([start[0], *middle]), np.array([step[0], 0.0, 0.0]))
    if np.abs(places_mm[:, 1:] - middle).max() <= PLACE_TOLERANCE_MM:
        return upright
    if np.abs(residual[:, 1:]).max() > PLACE_TOLERANCE_MM or line.tilt_deg > MOST_TILT_DEG:
        raise RefusedDicomError(
            "shifted_slices",
            f"the images are shifted against each other in plane by up to {_spread_mm(places_mm):.1f} mm by Image "
            "Position (Patient) (0020,0032), and not as by a tilted gantry: in unlike steps, or by more than "
            f"{MOST_TILT_DEG:g} degrees.",
        )
    return line if line.tilt_deg >= LEAST_TILT_DEG else upright


def evenly_spaced(depths_mm: NDArray[np.float64]) -> bool:
    """Whether slices at these ascending places along the normal lie in equal steps; one alone does."""
    if len(depths_mm) < 2:
        return True
    if np.diff(depths_mm).min() < SAME_PLACE_MM:
        return False
    _, step, residual = _fit(np.arange(len(depths_mm)), depths_mm[:, None])
    return float(np.abs(residual).max()) <= min(PLACE_TOLERANCE_MM, STEP_TOLERANCE * float(step[0]))


def _fit(
    index: NDArray[Any], places_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Least squares: start (D,), step (D,), and what is left over (N, D)."""
    centred = index - index.mean()
    middle = places_mm.mean(axis=0)
    step = centred @ (places_mm - middle) / (centred @ centred)
    residual = places_mm - middle - centred[:, None] * step
    return middle - index.mean() * step, step, residual


def _refuse_doubles(gaps_mm: NDArray[np.float64]) -> None:
    sizes = np.diff(np.flatnonzero(np.r_[True, gaps_mm >= SAME_PLACE_MM, True]))
    doubles, most = int((sizes > 1).sum()), int(sizes.max())
    raise RefusedDicomError(
        "double_slices",
        f"{doubles} of {counted(len(sizes), 'place', 'places')} along the scan {'has' if doubles == 1 else 'have'} "
        f"more than one image (up to {most}).",
    )


def _refuse_uneven(places_mm: NDArray[np.float64], thicknesses_mm: Sequence[float | None]) -> None:
    steps = _whole_steps(places_mm[:, 0])
    same_thickness = len({round(thickness, 2) for thickness in thicknesses_mm if thickness is not None}) <= 1
    if steps is not None and same_thickness:
        _refuse_missing(steps)
    distances_mm = sorted({round(float(gap), 2) for gap in np.linalg.norm(np.diff(places_mm, axis=0), axis=1)})
    if len(distances_mm) > 6:
        spacing = f"the slices are between {distances_mm[0]:g} and {distances_mm[-1]:g} mm apart"
    else:
        spacing = f"the slices are {', '.join(f'{distance:g}' for distance in distances_mm)} mm apart"
    _, lean, residual = _fit(places_mm[:, 0], places_mm[:, 1:])
    if _spread_mm(places_mm) > PLACE_TOLERANCE_MM and np.abs(residual).max() <= PLACE_TOLERANCE_MM:
        raise RefusedDicomError(
            "gantry_tilt",
            f"the gantry tilt is {np.degrees(np.arctan(np.hypot(*lean))):.1f} degrees and the spacing is uneven: "
            f"{spacing}. Such a scan cannot be set upright; use a series that was reconstructed at equal steps.",
        )
    raise RefusedDicomError(
        "uneven_spacing", f"the spacing is uneven: {spacing}. Use a series that was reconstructed at equal steps."
    )


def _whole_steps(depths_mm: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """(N - 1,) how many steps lie between neighbours, where all are whole multiples of one; else None."""
    gaps_mm = np.diff(depths_mm)
    single_mm = float(np.median(gaps_mm[gaps_mm < 1.5 * gaps_mm.min()]))
    steps = np.rint(gaps_mm / single_mm).astype(np.int64)
    if steps.sum() - len(steps) > len(depths_mm):  # more missing than there: rather one slice too near
        return None
    _, step, residual = _fit(np.r_[0, steps.cumsum()], depths_mm[:, None])
    even = np.abs(residual).max() <= min(PLACE_TOLERANCE_MM, STEP_TOLERANCE * float(step[0]))
    return steps if even else None


def _refuse_missing(steps: NDArray[np.int64]) -> None:
    missing = steps - 1
    found = counted(int(missing.sum()), "slice is", "slices are")
    places = [f"{missing[i]} after slice {i + 1}" for i in np.flatnonzero(missing)]
    shown = ", ".join(places[:5]) + _and_more(len(places) - 5)
    raise RefusedDicomError(
        "missing_slices",
        f"{found} missing among {len(steps) + 1}: {shown} (counted along the normal of the slices). Export or copy the "
        "series again.",
    )


def _and_more(places: int) -> str:
    return f" and at {counted(places, 'more place', 'more places')}" if places > 0 else ""


def _spread_mm(places_mm: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.ptp(places_mm[:, 1:], axis=0)))
