"""Between hnseg's :class:`~hnseg.types.Volume` and SimpleITK's image.

SimpleITK lists size, spacing and the columns of its direction matrix along the image axes x, y, z; hnseg along the
array axes z, y, x. World positions are LPS millimetres in both, so only the order of the axes changes.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from hnseg.types import Grid, Volume


def to_sitk(volume: Volume) -> sitk.Image:
    """A SimpleITK image with a copy of the voxels; bool becomes uint8 and float16 float32, which SimpleITK lacks."""
    array = np.asarray(volume.array)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(sitk_spacing(volume.grid))
    image.SetOrigin(tuple(float(v) for v in volume.grid.origin_mm))
    image.SetDirection(sitk_direction(volume.grid))
    return image


def from_sitk(image: sitk.Image) -> Volume:
    """The volume of a three-dimensional scalar SimpleITK image, voxels copied."""
    assert image.GetDimension() == 3, f"a {image.GetDimension()}-D image"
    assert image.GetNumberOfComponentsPerPixel() == 1, "an image of vectors"
    grid = grid_from_sitk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(sitk.GetArrayFromImage(image), grid)


def grid_from_sitk(
    size_xyz: tuple[int, ...],
    spacing_xyz_mm: tuple[float, ...],
    origin_mm: tuple[float, ...],
    direction: tuple[float, ...] | NDArray[np.float64],
) -> Grid:
    """The grid that SimpleITK describes by size, spacing, origin and a row-major 3 x 3 direction, all in x, y, z."""
    x, y, z = (int(n) for n in size_xyz)
    dx, dy, dz = (float(d) for d in spacing_xyz_mm)
    px, py, pz = (float(p) for p in origin_mm)
    columns_zyx = np.asarray(direction, float).reshape(3, 3)[:, ::-1]
    return Grid((z, y, x), (dz, dy, dx), (px, py, pz), columns_zyx + 0.0)  # + 0.0 turns -0.0 into 0.0


def sitk_spacing(grid: Grid) -> tuple[float, float, float]:
    """Spacing in mm as SimpleITK wants it, (x, y, z)."""
    dz, dy, dx = (float(d) for d in grid.spacing_mm)
    return (dx, dy, dz)


def sitk_direction(grid: Grid) -> tuple[float, ...]:
    """Direction as SimpleITK wants it: row-major, one column each for x, y, z."""
    return tuple(float(c) for c in np.asarray(grid.direction, float)[:, ::-1].ravel())
