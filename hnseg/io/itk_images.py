"""NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd) through SimpleITK."""

from __future__ import annotations

import errno
import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from hnseg.geometry import to_sitk
from hnseg.io.errors import UnreadableImageError
from hnseg.io.itk_headers import check_fields, check_voxels, warn_of_unknown_space
from hnseg.io.memory import check_declared_size, truncated
from hnseg.io.orientation import GeometryError, grid_from_affine
from hnseg.types import Grid, Volume

_READERS = {".nrrd": "NrrdImageIO", ".nhdr": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_ITEMSIZE = {
    sitk.sitkUInt8: 1, sitk.sitkInt8: 1, sitk.sitkUInt16: 2, sitk.sitkInt16: 2, sitk.sitkUInt32: 4, sitk.sitkInt32: 4,
    sitk.sitkUInt64: 8, sitk.sitkInt64: 8, sitk.sitkFloat32: 4, sitk.sitkFloat64: 8,
}  # fmt: skip


def read_itk(path: Path) -> Volume:
    """Voxels and grid; see :func:`hnseg.io.volume.read_volume` for what is refused and which dtype comes back."""
    reader, grid, itemsize = _open_header(path)
    check_declared_size(path, grid.shape_zyx, itemsize)
    check_voxels(path, math.prod(grid.shape_zyx) * itemsize)
    try:
        with _quiet():
            array = sitk.GetArrayFromImage(reader.Execute()).reshape(grid.shape_zyx)
    except RuntimeError as error:
        raise truncated(path, _reason(error)) from error
    return Volume(array.astype(np.float32) if array.dtype == np.float64 else array, grid)


def read_itk_grid(path: Path) -> Grid:
    """The grid alone; no voxel is read."""
    return _open_header(path)[1]


def write_itk(volume: Volume, path: Path, compress: bool) -> None:
    """Write to ``path`` as it is, with the data file beside it for .nhdr and .mhd.

    Raises:
        OSError: SimpleITK could not write everything.
    """
    try:
        with _quiet():
            sitk.WriteImage(to_sitk(volume), str(path), useCompression=compress)
    except RuntimeError as error:
        # SimpleITK keeps the system's reason to itself
        full = shutil.disk_usage(path.parent).free < volume.array.nbytes
        raise OSError(errno.ENOSPC if full else errno.EIO, _reason(error), str(path)) from error


def _open_header(path: Path) -> tuple[sitk.ImageFileReader, Grid, int]:
    check_fields(path)
    warn_of_unknown_space(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_READERS[path.suffix.lower()])
    reader.SetFileName(str(path))
    try:
        with _quiet():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableImageError(
            path, f"expected a {path.suffix} image header, found none that can be read ({_reason(error)})",
            "check that this is an image file and that it is whole",
        ) from error  # fmt: skip
    itemsize = _scalar_itemsize(path, reader)
    return reader, _grid(path, reader), itemsize


def _scalar_itemsize(path: Path, reader: sitk.ImageFileReader) -> int:
    components, pixel = reader.GetNumberOfComponents(), reader.GetPixelIDValue()
    itemsize = _ITEMSIZE.get(pixel)
    if components != 1 or itemsize is None:
        raise UnreadableImageError(
            path,
            f"expected one number a voxel, found {components} of {sitk.GetPixelIDValueAsString(pixel)}",
            "export the image as a scalar one (int16 or float32), each segment of a segmentation by itself",
        )
    return itemsize


def _grid(path: Path, reader: sitk.ImageFileReader) -> Grid:
    size = reader.GetSize()
    if len(size) < 3 or any(n != 1 for n in size[3:]):
        raise UnreadableImageError(
            path,
            f"expected one three-dimensional image, found {' x '.join(map(str, size))}",
            "save the frame that you want, or the stack of slices, as one 3-D image",
        )
    axes = len(size)
    cosines = np.asarray(reader.GetDirection(), float).reshape(axes, axes)[:3, :3]
    try:
        spacing, origin = np.asarray(reader.GetSpacing()[:3]), np.asarray(reader.GetOrigin()[:3])
        if spacing.min() <= 0:
            raise GeometryError(f"voxel spacing of {tuple(float(d) for d in spacing)} mm (x, y, z)")
        return grid_from_affine(cosines * spacing, origin, size[:3])
    except GeometryError as error:
        raise UnreadableImageError(
            path,
            f"expected voxels with a positive spacing along perpendicular axes, its header has {error}",
            "export it again, resampled onto perpendicular axes if the gantry was tilted",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """ITK's warnings go to the terminal past Python's; what matters in them is checked here."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def _reason(error: RuntimeError) -> str:
    last_line = str(error).strip().splitlines()[-1].removeprefix("sitk::ERROR: ").strip()
    return re.sub(r"\(0x[0-9a-f]+\)", "", last_line).rstrip(".")
