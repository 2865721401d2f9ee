"""Masks on slices that were brought to another size: which of the new pixels belong to a structure.

Rainio et al. 2024 (`hnseg.prepare.rainio2024`) say that a pixel counts where at least 5 of the 16 pixels that it is
made of do (``variant: paper``). Their code interpolates the mask linearly and takes what is above 0.25, which from 512
to 128 reads only the central 4 of the 16 and asks for 2 of them (``variant: code``). Both rules are kept here for
slices of any size, in whole numbers, so that no rounding decides about a pixel that lies exactly on the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hnseg.prepare.axial import axial, axial_grid
from hnseg.prepare.masks import on_grid
from hnseg.prepare.recipe import Recipe
from hnseg.types import Grid, Volume


def slice_label_map(masks: Mapping[str, Volume], recipe: Recipe, image_grid: Grid) -> NDArray[np.uint8]:
    """uint8 (Z, Y, X) on the slices of `hnseg.prepare.rainio2024.slices_grid`; a later label name stays.

    Args:
        masks: structure to bool volume; one on another grid than the image comes to the image's first, nearest voxel.
        recipe: its label names, slice size and variant.
        image_grid: of the image whose slices they are.
    """
    assert recipe.slice_size_yx is not None
    positive = positive_area if recipe.variant == "paper" else positive_linear
    own = axial_grid(image_grid)
    labels = np.zeros((own.shape_zyx[0], *recipe.slice_size_yx), np.uint8)
    for value, name in enumerate(recipe.label_names, start=1):
        if name in masks:
            mask = on_grid(axial(masks[name]), own)
            for index in np.flatnonzero(mask.any(axis=(1, 2))):
                labels[index][positive(mask[index], recipe.slice_size_yx)] = value
    return labels


def positive_area(mask_yx: NDArray[np.bool_], size_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """bool ``size_yx``: whether at least 5/16 of a pixel's area are in the mask."""
    rows, columns = (_overlaps(*pair) for pair in zip(mask_yx.shape, size_yx, strict=True))
    return np.asarray(16 * (rows @ mask_yx @ columns.T) >= 5 * mask_yx.size)


def positive_linear(mask_yx: NDArray[np.bool_], size_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """bool ``size_yx``: whether the mask, interpolated linearly at a pixel's centre, is above 0.25."""
    rows, columns = (_neighbours(*pair) for pair in zip(mask_yx.shape, size_yx, strict=True))
    return np.asarray(rows @ mask_yx @ columns.T > np.prod(size_yx))


def _overlaps(count: int, size: int) -> NDArray[np.float64]:
    """(size, count) lengths that a new and an old pixel share, in parts of the line's ``count * size``.

    Whole numbers; each row's sum is ``count``.
    """
    new, old = np.arange(size)[:, None] * count, np.arange(count) * size
    shared = np.minimum(new + count, old + size) - np.maximum(new, old)
    return np.asarray(np.clip(shared, 0, None), float)


def _neighbours(count: int, size: int) -> NDArray[np.float64]:
    """(size, count) weights of linear interpolation at the new pixels' centres; beyond the line its end goes on.

    Whole numbers; each row's sum is ``2 * size``.
    """
    position = (2 * np.arange(size) + 1) * count - size
    left, to_right = np.divmod(position, 2 * size)
    weights = np.zeros((size, count))
    for neighbour, weight in ((left, 2 * size - to_right), (left + 1, to_right)):
        np.add.at(weights, (np.arange(size), neighbour.clip(0, count - 1)), weight)
    return weights
