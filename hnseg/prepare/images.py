"""Raw volumes into the prepared grid, the same way for training and for prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import box_grid, overlap_fraction, resample
from hnseg.io.volume import read_volume
from hnseg.prepare.authors import crop_then_resample
from hnseg.prepare.jain2020 import jain2020_grid
from hnseg.prepare.rainio2024 import REGION as SLICES
from hnseg.prepare.rainio2024 import slices_grid
from hnseg.prepare.recipe import FILL, Recipe
from hnseg.types import BoxMm, Grid, Volume

LEAST_OVERLAP = 0.5
"""Two images of one patient share at least this part of the smaller one; less means that one belongs to another
scan."""

LARGEST_FLOAT16 = 6.0e4


def read_images(files: Mapping[str, Path], modalities: Sequence[str]) -> dict[str, Volume]:
    """The images of one patient, checked at the door.

    Returns:
        modality to volume, in the order of ``modalities``.

    Raises:
        ValueError: a modality is missing, a file cannot be read, has NaN or infinite voxels, or two images do not
            overlap.
    """
    missing = [name for name in modalities if name not in files]
    if missing:
        raise ValueError(
            f"expected {list(modalities)} but there is no {' and no '.join(missing)} file, only "
            f"{', '.join(map(str, files.values()))}; add it or take the modality out of the recipe"
        )
    images = {}
    for name in modalities:
        images[name] = read_volume(files[name])
        refuse_non_finite(images[name], files[name])
    for one, other in combinations(modalities, 2):
        share = overlap(images[one].grid, images[other].grid)
        if share < LEAST_OVERLAP:
            raise ValueError(
                f"{files[one]} and {files[other]} overlap by {share:.0%} of the smaller one, expected at least "
                f"{LEAST_OVERLAP:.0%}; "
                "check that both are of the same scan and in the same frame of reference"
            )
    return images


def refuse_non_finite(volume: Volume, path: Path) -> None:
    """Raises ValueError with the number of NaN and infinite voxels, if any."""
    if volume.array.dtype.kind != "f":
        return
    bad = volume.array.size - int(np.isfinite(volume.array).sum())
    if bad:
        raise ValueError(
            f"{path} has {bad} voxels that are NaN or infinite, expected numbers only; export it again from its source"
        )


def overlap(one: Grid, other: Grid) -> float:
    """Part of the smaller image's bounding box that the other covers, 0 to 1."""
    return max(overlap_fraction(one, other), overlap_fraction(other, one))


def prepare_images(images: Mapping[str, Volume], recipe: Recipe, box: BoxMm) -> tuple[dict[str, NDArray[Any]], Grid]:
    """Images of a patient on the grid of a case.

    CT and PET are interpolated linearly from the whole image, so nothing inside the box is lost; what no image
    covers is air (-1024 HU) or no uptake (0 SUV). ``variant: code`` follows the authors instead
    (`hnseg.prepare.authors`).

    Args:
        images: modality to volume, HU and SUV; those of ``recipe.modalities`` are used.
        recipe: spacing, order and variant.
        box: from `choose_box`.

    Returns:
        modality to a (Z, Y, X) array in a compact type (see `compact`), and the grid that they share.
    """
    if recipe.variant == "code" and box.source != SLICES:
        arrays, grid = crop_then_resample(images, recipe, box)
    else:
        grid = prepared_grid(box, recipe, images[recipe.modalities[0]].grid)
        arrays = {name: resample(images[name], grid, "linear", FILL.get(name, 0.0)).array for name in recipe.modalities}
    return {name: compact(name, array) for name, array in arrays.items()}, grid


def prepared_grid(box: BoxMm, recipe: Recipe, image_grid: Grid) -> Grid:
    """Where the voxels of a prepared case lie: the box at the recipe's spacing, or the image's own crop or slices.

    Args:
        box: from `choose_box`.
        recipe: its spacing, or size of a slice.
        image_grid: of the recipe's first modality.
    """
    if box.source == SLICES:
        assert recipe.slice_size_yx is not None
        return slices_grid(image_grid, recipe.slice_size_yx)
    return jain2020_grid(image_grid) if box.source == "jain2020" else box_grid(box, recipe.spacing_mm)


def compact(modality: str, array: NDArray[Any]) -> NDArray[Any]:
    """The smallest type that loses nothing a network could see.

    CT: int16, whole HU (scanner noise is above 10 HU). PET: float16, 0.05 % of the value, where the values fit; PET
    in Bq/ml may not, and stays float32. Anything else: float32.
    """
    if modality == "ct":
        limits = np.iinfo(np.int16)
        return np.asarray(np.clip(np.rint(array), limits.min, limits.max), np.int16)
    if modality == "pt" and np.abs(array).max(initial=0) <= LARGEST_FLOAT16:
        return array.astype(np.float16)
    return array.astype(np.float32)


def stack(arrays: Mapping[str, NDArray[Any]], recipe: Recipe) -> NDArray[np.float32]:
    """(C, Z, Y, X) float32 in channel order, as a network's input before normalisation."""
    return np.stack([arrays[name].astype(np.float32) for name in recipe.modalities])
