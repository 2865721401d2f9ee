"""What a picture of an imported case shows: its files, turned upright and cut to the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.components import largest_component
from hnseg.geometry.resample import resample
from hnseg.io import read_volume
from hnseg.report.organ_slices import LARGE
from hnseg.report.planes import View, to_standard, view_of
from hnseg.types import Volume

TALLEST_MM = 340.0
"""Of a scan from head to thigh as much is shown as is of a head and neck, or nothing could be told."""

BODY = {"ct": -300.0, "pt": 0.15}
"""HU and SUV above which there is a body."""

MARGIN_MM, COARSE_MM = 8.0, 4.0


@dataclass(frozen=True, eq=False)
class Sight:
    """A case, all of it cut to one box.

    Attributes:
        view: the whole box, and the voxel in it where the planes meet.
        images: ``ct`` in HU, ``pt`` in SUV, (Z, Y, X) with axes to superior, posterior and left.
        masks: structure to (Z, Y, X) bool; None where the file does not fit the image.
    """

    view: View
    images: Mapping[str, NDArray[Any]]
    masks: Mapping[str, NDArray[np.bool_] | None]


def see(folder: Path, entry: Mapping[str, Any]) -> Sight:
    """Read a case; one mask at a time is there in full.

    Args:
        folder: of the case: ``ct.nii.gz``, ``pt.nii.gz``, ``structures/NAME.nii.gz``.
        entry: the case in ``import.json``.

    Raises:
        OSError, ValueError: a file is missing or cannot be read.
    """
    modality = "ct" if entry["ct"] else "pt"
    raw = read_volume(folder / f"{modality}.nii.gz")
    base = to_standard(raw)
    masks: dict[str, NDArray[np.bool_] | None] = {}
    window: View | None = None
    for one in sorted(entry["structures"], key=lambda one: -(one["ml"] or 0.0)):
        volume = read_volume(folder / "structures" / f"{one['name']}.nii.gz")
        if not volume.grid.matches(raw.grid):
            masks[one["name"]] = None
            continue
        mask = to_standard(volume).array > 0
        window = window or _window(base, modality, mask)
        masks[one["name"]] = _cut(mask, window)
    window = window or _window(base, modality, np.zeros(base.grid.shape_zyx, bool))
    images = {modality: _cut(base.array, window)}
    if entry["pt"] and modality == "ct":
        grid = base.grid.crop(window.start_zyx, images["ct"].shape)
        images["pt"] = resample(read_volume(folder / "pt.nii.gz"), grid).array
    return Sight(_within(window, images[modality] > BODY[modality], masks), images, masks)


def _window(base: Volume, modality: str, mask: NDArray[np.bool_]) -> View:
    """The body across, and of its length what fits, about the slice that shows most of a structure."""
    focus = view_of(mask, mask, base.spacing_mm).focus_zyx
    depth = base.grid.shape_zyx[0]
    tall = min(depth, max(1, round(TALLEST_MM / base.spacing_mm[0])))
    low = min(max(0, focus[0] - tall // 2), depth - tall)
    steps = tuple(max(1, round(COARSE_MM / mm)) for mm in base.spacing_mm)
    inside_body = base.array[low : low + tall : steps[0], :: steps[1], :: steps[2]] > BODY[modality]
    body = largest_component(inside_body)  # without the table, which may be twice as wide as a head
    start, stop = [low], [low + tall]
    for axis in (1, 2):
        size, margin = base.grid.shape_zyx[axis], round(MARGIN_MM / base.spacing_mm[axis])
        inside = np.flatnonzero(body.any(axis=(0, 3 - axis))) * steps[axis]
        first, last = (int(inside[0]), int(inside[-1])) if len(inside) else (0, size - 1)
        start.append(max(0, min(first, focus[axis]) - margin))
        stop.append(min(size, max(last, focus[axis]) + 1 + margin))
    return View(tuple(start), tuple(stop), focus, base.spacing_mm)  # type: ignore[arg-type]


def _within(window: View, body: NDArray[np.bool_], masks: Mapping[str, NDArray[np.bool_] | None]) -> View:
    """The view of what was cut out; its coronal slice shows as many structures as one can, then as much body."""
    start, shape = window.start_zyx, body.shape
    focus = tuple(at - first for at, first in zip(window.focus_zyx, start, strict=True))
    well = np.zeros(shape[1])
    for mask in masks.values():
        if mask is not None and mask.any():
            area = mask.sum(axis=(0, 2))
            well += np.minimum(area / area.max(), LARGE)
    across = body.sum(axis=(0, 2))
    coronal = int((well + 0.5 * LARGE * across / max(1, across.max())).argmax())
    return replace(window, start_zyx=(0, 0, 0), stop_zyx=shape, focus_zyx=(focus[0], coronal, focus[2]))


def _cut(array: NDArray[Any], window: View) -> NDArray[Any]:
    """A copy, so that the whole volume can go."""
    return array[tuple(slice(a, b) for a, b in zip(window.start_zyx, window.stop_zyx, strict=True))].copy()
