"""Which slices of a patient show every structure at least once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.report.planes import View

LARGE = 0.5
"""A slice shows a structure well where it has at least this share of the area in the structure's largest slice."""
MARGIN_MM, FIELD_MM = 14.0, 230.0


def axial_slices(labels: NDArray[Any], at_least: int) -> list[int]:
    """Axial slices in which each structure is seen well at least once, from the head downwards.

    One slice serves several structures where it can (greedily, the most first). Up to ``at_least`` others follow,
    each as far as possible from those that are there. Without any structure it is the middle slice.

    Args:
        labels: (Z, Y, X) label map, z to superior, 0 for background.
    """
    well = _seen(labels, 0)
    shown = np.flatnonzero(well.any(axis=0))
    if not len(shown):
        return [labels.shape[0] // 2]
    chosen: list[int] = []
    missing: NDArray[np.bool_] = np.ones(len(well), bool)
    while missing.any():
        useful = (well >= LARGE) & missing[:, None]
        # of slices that show equally many the one that shows them best
        chosen.append(int((useful.sum(axis=0) + (well * useful).sum(axis=0) / (1 + len(well))).argmax()))
        missing &= well[:, chosen[-1]] < LARGE
    while len(chosen) < min(at_least, len(shown)):
        apart = np.abs(shown[:, None] - np.asarray(chosen)).min(axis=1)
        chosen.append(int(shown[apart.argmax()]))
    return sorted(chosen, reverse=True)


def organ_view(labels: NDArray[Any], spacing_mm: tuple[float, float, float]) -> View:
    """A box around all structures with a margin, and a focus whose coronal and sagittal slices show most of them.

    Args:
        labels: (Z, Y, X) label map, 0 for background; the whole image where there is nothing else.
        spacing_mm: (z, y, x).
    """
    start, stop, focus = [], [], []
    for axis, (size, mm) in enumerate(zip(labels.shape, spacing_mm, strict=True)):
        well = _seen(labels, axis)
        inside = np.flatnonzero(well.any(axis=0))
        low, high = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, size)
        margin = round(MARGIN_MM / mm)
        middle, longest = (low + high) // 2, max(1, round(FIELD_MM / mm / 2))
        start.append(max(0, low - margin, middle - longest))
        stop.append(min(size, high + margin, middle + longest))
        focus.append(int(np.minimum(well, LARGE).sum(axis=0).argmax()) if len(inside) else middle)
    (z0, y0, x0), (z1, y1, x1), (z, y, x) = start, stop, focus
    return View((z0, y0, x0), (z1, y1, x1), (z, y, x), spacing_mm)


def at_slice(view: View, z: int) -> View:
    """The same box with its axial plane elsewhere."""
    return replace(view, focus_zyx=(z, *view.focus_zyx[1:]))


def _seen(labels: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """(structures that occur, size of axis): area in each slice as a share of the structure's largest."""
    planes = np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)
    count = int(labels.max(initial=0)) + 1
    areas = np.stack([np.bincount(plane, minlength=count) for plane in planes])[:, 1:].T
    areas = areas[areas.any(axis=1)]
    shares: NDArray[np.float64] = areas / areas.max(axis=1, keepdims=True, initial=1)
    return shares
