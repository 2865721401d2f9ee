"""NIfTI-1 and -2 (one file or a pair) and Analyze 7.5, to a :class:`~hnseg.types.Volume` and back.

nibabel parses the headers; the voxels are read here. SimpleITK 2.5 returns zeros for what is missing of a truncated
file, tolerates damaged gzip data, straightens sheared axes and takes a spacing of 0 for 1, all without a word, and
writes half a file on a full disk; nibabel reads as much as is asked for, so never to gzip's checksum.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from hnseg.io.errors import UnreadableImageError
from hnseg.io.memory import check_declared_size, check_stored_size, truncated
from hnseg.io.nifti_header import RAS_TO_LPS, header_grid, open_maybe_gzip, partner, read_header
from hnseg.types import Grid, Volume


def read_nifti(path: Path) -> Volume:
    """Voxels and grid; see :func:`hnseg.io.volume.read_volume` for what is refused and which dtype comes back."""
    header = read_header(path)
    grid = header_grid(path, header)
    stored = _read_voxels(path, header, grid.shape_zyx)
    return Volume(_scaled(stored, header), grid)


def read_nifti_grid(path: Path) -> Grid:
    """The grid alone, from at most the first 540 bytes."""
    return header_grid(path, read_header(path))


def write_nifti(volume: Volume, path: Path) -> None:
    """Write to ``path`` as it is; ``.gz`` in its name compresses, ``.hdr`` makes a NIfTI-1 pair.

    The same geometry goes into sform and qform, both with code 1 (scanner).
    """
    array = volume.array.astype(_written_dtype(volume.array.dtype), copy=False)
    affine = np.eye(4)
    affine[:3, :3] = RAS_TO_LPS[:, None] * volume.grid.affine[:3, 2::-1]
    affine[:3, 3] = RAS_TO_LPS * np.asarray(volume.grid.origin_mm)
    kind = nib.Nifti1Pair if path.suffix.lower() in (".hdr", ".img") else nib.Nifti1Image
    image = kind(array.T, affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.to_filename(path)


def _written_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32)
    return dtype


def _read_voxels(path: Path, header: Any, shape_zyx: tuple[int, int, int]) -> NDArray[Any]:
    """Exactly the voxels that the header declares, in native byte order, else an error."""
    dtype = _stored_dtype(path, header)
    check_declared_size(path, shape_zyx, dtype.itemsize)
    data_path = partner(path, ".img")
    offset = int(header["vox_offset"]) if math.isfinite(header["vox_offset"]) else 0
    if data_path.suffix.lower() != ".img":
        offset = max(offset, int(header["sizeof_hdr"]) + 4)
    wanted = math.prod(shape_zyx) * dtype.itemsize
    with open_maybe_gzip(data_path) as file:
        compressed = isinstance(file, gzip.GzipFile)
        stored = data_path.stat().st_size - (0 if compressed else offset)
        check_stored_size(path, wanted, max(stored, 0), compressed)
        buffer = bytearray(wanted)
        try:
            file.seek(max(offset, 0))
            found = _fill(file, buffer)
            surplus = _drain(file, wanted + (1 << 24)) if compressed else 0
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise truncated(path, f"its compressed voxels cannot be read ({error})") from error
    if found < wanted or surplus > wanted + (1 << 24):
        raise truncated(path, f"expected {wanted} bytes of voxels, found {found + surplus}")
    array = np.frombuffer(buffer, dtype).reshape(shape_zyx)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _drain(file: BinaryIO, limit: int) -> int:
    """Read on, to no use but that gzip compares its checksum at the end; damage often shows as surplus voxels."""
    surplus = 0
    while surplus <= limit and (block := file.read(1 << 20)):
        surplus += len(block)
    return surplus


def _fill(file: BinaryIO, buffer: bytearray) -> int:
    view, found = memoryview(buffer), 0
    while found < len(buffer):
        count = file.readinto(view[found : found + (1 << 24)])  # type: ignore[attr-defined]
        if not count:
            break
        found += count
    return found


def _stored_dtype(path: Path, header: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(header.get_data_dtype())
    except (ValueError, KeyError, HeaderDataError) as error:
        raise UnreadableImageError(path, f"its voxels are of an unknown type ({error})", "export it again") from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise UnreadableImageError(
            path,
            f"expected one number a voxel, found {'colours' if dtype.fields else dtype.name}",
            "export the image as a scalar one (int16 or float32)",
        )
    return dtype


def _scaled(stored: NDArray[Any], header: Any) -> NDArray[Any]:
    """Slope and intercept applied (a slope of 0 or NaN means none); see :func:`hnseg.io.volume.read_volume`."""
    slope, intercept = _slope_intercept(header)
    if (slope, intercept) == (1.0, 0.0):
        return stored.astype(np.float32) if stored.dtype == np.float64 else stored
    # wide integers lose digits in float32 before the slope brings them back into its range
    exact = np.can_cast(stored.dtype, np.float32)
    scaled = np.multiply(stored, slope, dtype=np.float32 if exact else np.float64)
    scaled += intercept
    return np.asarray(scaled, np.float32)


def _slope_intercept(header: Any) -> tuple[float, float]:
    if not isinstance(header, nib.Nifti1Header):
        return 1.0, 0.0  # Analyze 7.5 defines none; SPM's use of a spare field is not guessed at
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0.0:
        return 1.0, 0.0
    return slope, intercept if math.isfinite(intercept) else 0.0
