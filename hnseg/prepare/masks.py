"""A patient's masks, from one file or several and on any grid, into one label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import resample
from hnseg.io.volume import read_volume
from hnseg.prepare.images import overlap, refuse_non_finite
from hnseg.types import Grid, Study, Volume

ANY_VALUE = 0
"""In place of a mask value: every voxel above 0.5 belongs to the structure (files with 0 and 255, or with
fractions)."""


def read_masks(study: Study, label_names: Sequence[str], image_grid: Grid, allow_empty: bool) -> dict[str, Volume]:
    """The annotated structures of a study, each a bool volume on its file's own grid.

    The value 0 in ``Study.masks`` means every voxel above 0.5, for files with one structure in any number type.

    Returns:
        structure to mask; structures that nobody annotated are not there.

    Raises:
        ValueError: a mask cannot be read, does not overlap the image, is empty (unless allowed), or has unexpected
            values.
    """
    files: dict[Path, Volume] = {}
    masks: dict[str, Volume] = {}
    for name in label_names:
        if name not in study.masks:
            continue
        path, value = study.masks[name]
        if path not in files:
            files[path] = _read_label_file(path, study, image_grid)
        volume = files[path]
        inside = volume.array > 0.5 if value == ANY_VALUE else volume.array == value
        if not inside.any() and not allow_empty:
            sought = "above 0.5" if value == ANY_VALUE else f"value {value}"
            raise ValueError(
                f"{path} has no voxel of {name} ({sought}; it holds 0 and {_values(volume)}); correct "
                f"the mask, take it away if nobody annotated {name}, or set allow_empty if there is none"
            )
        masks[name] = Volume(inside, volume.grid)
    _refuse_unexpected(files, study)
    return masks


def label_map(masks: Mapping[str, Volume], label_names: Sequence[str], grid: Grid) -> NDArray[np.uint8]:
    """uint8 (Z, Y, X) on ``grid``, nearest voxel; where structures overlap the later name in ``label_names`` stays."""
    labels = np.zeros(grid.shape_zyx, np.uint8)
    for value, name in enumerate(label_names, start=1):
        if name in masks:
            labels[on_grid(masks[name], grid)] = value
    return labels


def on_grid(mask: Volume, grid: Grid) -> NDArray[np.bool_]:
    """A bool volume on another grid, nearest voxel, False outside."""
    same = mask if mask.grid.matches(grid) else resample(mask, grid, "nearest", 0)
    return np.asarray(same.array, bool)


def _read_label_file(path: Path, study: Study, image_grid: Grid) -> Volume:
    volume = read_volume(path)
    refuse_non_finite(volume, path)
    if overlap(volume.grid, image_grid) == 0:
        image = next(iter(study.images.values()))
        raise ValueError(
            f"{path} does not overlap {image}, expected a mask of that scan; check that both have the same origin"
        )
    return volume


def _refuse_unexpected(files: Mapping[Path, Volume], study: Study) -> None:
    """A label map with a value that no structure has is somebody else's label map."""
    for path, volume in files.items():
        expected = {value for name, (file, value) in study.masks.items() if file == path}
        found = set(_values(volume))
        if ANY_VALUE not in expected and not found <= expected:
            raise ValueError(
                f"{path} has the values {sorted(found)}, expected 0 and {sorted(expected)}; correct the mask or "
                f"its label values"
            )


def _values(volume: Volume) -> list[float]:
    """The first values that occur, other than 0; masks are sparse, so only what is set is sorted."""
    return [float(value) for value in np.unique(volume.array[volume.array != 0])[:10]]
