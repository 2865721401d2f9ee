"""The crop of Jain and Virtanen 2020, in voxels: the region ``jain2020`` of a recipe.

Jain and Virtanen 2020, *Head and Neck CT Image Segmentation* (New York University): behaviour of their published code,
written anew. They chose the numbers from where the organs of PDDCA's training patients lie, so other scans lose organs
by it (docs/datasets/public_oar.md).
"""

from __future__ import annotations

import math

from hnseg.prepare.axial import axial_grid
from hnseg.prepare.recipe import RegionNotFoundError
from hnseg.types import Grid

COLUMNS = (120, 400)
ROWS = (55, 335)
SLICES = (0.32, 0.99)
"""Part of the scan's slices from below; both ends are rounded up."""


def jain2020_grid(grid: Grid) -> Grid:
    """The voxels of an image that are kept, at its own spacing: nothing is resampled.

    Columns count from the patient's right, rows from the front, slices from below, however the file stores them (in
    PDDCA's own files they are stored so). Where the image is smaller, the crop is.

    Raises:
        RegionNotFoundError: the image has no voxel there.
    """
    own = axial_grid(grid)
    slices = tuple(math.ceil(part * own.shape_zyx[0]) for part in SLICES)
    low, shape = [], []
    for (first, last), size in zip((slices, ROWS, COLUMNS), own.shape_zyx, strict=True):
        low.append(first)
        shape.append(min(last, size) - first)
    if min(shape) <= 0:
        raise RegionNotFoundError(
            f"the crop of Jain and Virtanen needs more than {COLUMNS[0]} columns and {ROWS[0]} rows, the image has "
            f"{own.shape_zyx[2]} and {own.shape_zyx[1]}"
        )
    (z, y, x), (nz, ny, nx) = low, shape
    return own.crop((z, y, x), (nz, ny, nx))
