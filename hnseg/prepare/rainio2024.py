"""All slices of an image, each brought to one size in pixels: the region ``rainio2024`` of a recipe.

Rainio et al. 2024, *One-click annotation to improve segmentation by a convolutional neural network for PET images of
head and neck cancer patients* (doi:10.1007/s13721-024-00483-0): every axial slice of 512 x 512 pixels becomes one
of 128 x 128 that shows the same. A departure: slices are seen as the patient lies (`hnseg.prepare.axial`), however the
file stores them, so a network may be applied to files of another program.
"""

from __future__ import annotations

import numpy as np

from hnseg.prepare.axial import axial_grid
from hnseg.types import Grid

REGION = "rainio2024"


def slices_grid(grid: Grid, size_yx: tuple[int, int]) -> Grid:
    """The slices of an image, from below, each with ``size_yx`` pixels over the same extent.

    The edges of the slices agree, not the centres of their first pixels. Linear interpolation at these pixels is what
    OpenCV's ``resize`` does by default.
    """
    own = axial_grid(grid)
    (slices, *shape_yx), (slice_mm, *pixel_mm) = own.shape_zyx, own.spacing_mm
    steps = [count / size for count, size in zip(shape_yx, size_yx, strict=True)]
    y_mm, x_mm = (pixel * step for pixel, step in zip(pixel_mm, steps, strict=True))
    x_lps, y_lps, z_lps = own.to_lps_mm(np.array([0.0, *((step - 1) / 2 for step in steps)])).tolist()
    return Grid((slices, *size_yx), (slice_mm, y_mm, x_mm), (x_lps, y_lps, z_lps), own.direction)
