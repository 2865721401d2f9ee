"""The way the authors of the SE-Norm U-Net cut and resample (``variant: code``), borders included.

Behaviour of the preprocessing published with Iantsen et al. 2021 (doi:10.1007/978-3-030-67194-5_4), written anew:
each image is cropped to whole voxels of its own grid first and resampled afterwards, what the crop lost is 0 (0 HU,
which is water, not air), and every image takes the CT's number type, so a PET beside an int16 CT is cut to whole SUV.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import resample
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Grid, Volume


def crop_to_voxels(volume: Volume, box: BoxMm) -> Volume:
    """The voxels between those nearest to the box's corners, the upper one left out.

    Raises:
        ValueError: nothing is left.
    """
    corners = volume.grid.to_index_zyx(np.array([box.low_mm, box.high_mm]))
    nearest = np.floor(np.sort(corners, axis=0) + 0.5).astype(int)
    start, stop = (np.clip(row, 0, volume.grid.shape_zyx) for row in nearest)
    if (stop <= start).any():
        raise ValueError("the box and the image share no voxel; correct the box CSV (LPS millimetres)")
    (z0, y0, x0), (z1, y1, x1) = start.tolist(), stop.tolist()
    array = volume.array[z0:z1, y0:y1, x0:x1]
    return Volume(array, volume.grid.crop((z0, y0, x0), array.shape))


def crop_then_resample(
    images: Mapping[str, Volume], recipe: Recipe, box: BoxMm
) -> tuple[dict[str, NDArray[Any]], Grid]:
    """Images on the cropped first modality's origin and direction, in its number type, 0 outside their own crops."""
    first = crop_to_voxels(images[recipe.modalities[0]], box)
    grid = Grid(_shape(recipe, box), recipe.spacing_mm, first.origin_mm, first.direction)
    arrays = {}
    for name in recipe.modalities:
        values = resample(crop_to_voxels(images[name], box), grid, "linear", 0.0)
        arrays[name] = values.array.astype(first.array.dtype)
    return arrays, grid


def crop_then_resample_mask(mask: Volume, grid: Grid, box: BoxMm) -> NDArray[np.bool_]:
    """A mask on the grid that `crop_then_resample` made, nearest voxel, nothing outside its own crop."""
    return np.asarray(resample(crop_to_voxels(mask, box), grid, "nearest", 0).array, bool)


def _shape(recipe: Recipe, box: BoxMm) -> tuple[int, int, int]:
    """The nominal box, or for what follows the patient as many voxels as it needs."""
    if box.source not in ("image", "head_neck") and recipe.box_shape_zyx is not None:
        return recipe.box_shape_zyx
    size_zyx = (np.asarray(box.high_mm) - np.asarray(box.low_mm))[::-1]
    z, y, x = (max(1, round(size / step)) for size, step in zip(size_zyx, recipe.spacing_mm, strict=True))
    return z, y, x
