"""NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd) through SimpleITK."""

from __future__ import annotations

import errno
import math
import shutil
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813  (the name its documentation uses)

from hnseg.geometry import to_sitk
from hnseg.io.errors import UnreadableImageError
from hnseg.io.memory import check_declared_size, check_stored_size, truncated
from hnseg.io.orientation import GeometryError, grid_from_affine
from hnseg.types import Grid, Volume

_READERS = {".nrrd": "NrrdImageIO", ".nhdr": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_ITEMSIZE = {
    sitk.sitkUInt8: 1, sitk.sitkInt8: 1, sitk.sitkUInt16: 2, sitk.sitkInt16: 2, sitk.sitkUInt32: 4, sitk.sitkInt32: 4,
    sitk.sitkUInt64: 8, sitk.sitkInt64: 8, sitk.sitkFloat32: 4, sitk.sitkFloat64: 8,
}  # fmt: skip
_PATIENT_SPACES = {
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las",
}  # fmt: skip
_MAX_HEADER_BYTES = 1 << 20


def read_itk(path: Path) -> Volume:
    """Voxels and grid; see :func:`hnseg.io.volume.read_volume` for what is refused and which dtype comes back."""
    reader, grid, itemsize = _open_header(path)
    check_declared_size(path, grid.shape_zyx, itemsize)
    _check_voxels(path, math.prod(grid.shape_zyx) * itemsize)
    try:
        with _quiet():
            array = sitk.GetArrayFromImage(reader.Execute())
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
    _check_geometry_fields(path)
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


def _check_geometry_fields(path: Path) -> None:
    """SimpleITK fills in 1 mm and LPS where a header says nothing; so the header's own words are looked at."""
    fields, _ = _text_header(path)
    if path.suffix.lower() in (".mha", ".mhd"):
        has_spacing = "elementspacing" in fields or "elementsize" in fields
    else:
        has_spacing = "space directions" in fields or "nan" not in fields.get("spacings", "nan").lower()
        if fields.get("space", "").lower() not in _PATIENT_SPACES:
            warnings.warn(
                "NRRD files without a patient 'space' (such as left-posterior-superior) are taken to be in it.",
                stacklevel=2,
            )
    if not has_spacing:
        raise UnreadableImageError(
            path, "expected a voxel spacing in its header, found none", "export it again with its geometry"
        )


def _text_header(path: Path) -> tuple[dict[str, str], int]:
    """Fields of the text before the voxels, names in lower case, and the number of bytes it takes."""
    fields: dict[str, str] = {}
    meta = path.suffix.lower() in (".mha", ".mhd")
    with path.open("rb") as file:
        while file.tell() < _MAX_HEADER_BYTES and (line := file.readline(_MAX_HEADER_BYTES)):
            text = line.decode("latin-1").strip()
            if not text and not meta:
                break  # NRRD: a blank line ends the header
            name, _, value = text.partition("=" if meta else ":")
            fields[name.strip().lower()] = value.strip()
            if meta and name.strip().lower() == "elementdatafile":
                break
        return fields, file.tell()


def _check_voxels(path: Path, wanted_bytes: int) -> None:
    """Find what SimpleITK does not report, or reports past us: missing and damaged voxels."""
    fields, header_bytes = _text_header(path)
    if path.suffix.lower() not in (".mha", ".mhd"):
        if path.suffix.lower() == ".nrrd" and fields.get("encoding") in ("raw", "gzip", "gz"):
            compressed = fields["encoding"] != "raw"
            check_stored_size(path, wanted_bytes, path.stat().st_size - header_bytes, compressed)
        return
    name = fields.get("elementdatafile", "")
    data_path, offset = (path, header_bytes) if name.upper() == "LOCAL" else (path.parent / name, 0)
    if not data_path.is_file():
        raise UnreadableImageError(
            path, f"expected its voxels in one file {name!r}, found none", "copy header and data file into one folder"
        )
    compressed = fields.get("compresseddata", "false").lower() == "true"
    check_stored_size(path, wanted_bytes, data_path.stat().st_size - offset, compressed)
    if compressed:
        _check_zlib(path, data_path, offset, wanted_bytes)


def _check_zlib(path: Path, data_path: Path, offset: int, wanted_bytes: int) -> None:
    """Decompress once without keeping anything: SimpleITK only prints that it failed and returns what it has."""
    stream, found = zlib.decompressobj(zlib.MAX_WBITS | 32), 0
    with data_path.open("rb") as file:
        file.seek(offset)
        try:
            while not stream.eof and found <= wanted_bytes and (block := file.read(1 << 20)):
                while block and found <= wanted_bytes:
                    found += len(stream.decompress(block, 1 << 24))
                    block = stream.unconsumed_tail
        except zlib.error as error:
            raise truncated(path, f"its compressed voxels cannot be read ({error})") from error
    if not stream.eof or found != wanted_bytes:
        raise truncated(path, f"expected {wanted_bytes} bytes of voxels, found {found}")


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
    return str(error).strip().splitlines()[-1].removeprefix("sitk::ERROR: ").strip()
