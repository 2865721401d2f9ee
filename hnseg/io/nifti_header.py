"""What a NIfTI or Analyze header says about shape and place in the patient, checked."""

from __future__ import annotations

import gzip
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from hnseg.io.errors import UnreadableImageError
from hnseg.io.memory import truncated
from hnseg.io.orientation import GeometryError, disagreement, grid_from_affine
from hnseg.types import Grid

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
_UNIT_MM = {1: 1000.0, 3: 0.001}  # xyzt_units: metre, micrometre; 0 (unknown) and 2 are millimetres
_GZIP_MAGIC = b"\x1f\x8b"
_FIX_HEADER = "find out which is right and write it with nibabel (set_sform, set_qform) or export the image again"


def read_header(path: Path) -> Any:
    """The header as nibabel has it, unchecked: what matters is checked here, in sentences."""
    start = _read_start(partner(path, ".hdr"))
    size = {int.from_bytes(start[:4], order) for order in ("little", "big")}  # type: ignore[arg-type]
    if len(start) == 540 and 540 in size:
        return nib.Nifti2Header(start, check=False)
    if len(start) < 348 or 348 not in size:
        raise UnreadableImageError(
            path, "expected a NIfTI or Analyze header, found something else", "check that this is an image file"
        )
    if start[344:347] in (b"n+1", b"ni1"):
        return nib.Nifti1Header(start[:348], check=False)
    if path.suffix.lower() in (".hdr", ".img"):
        return nib.AnalyzeHeader(start[:348], check=False)
    raise UnreadableImageError(
        path, "expected a NIfTI header, found an Analyze one", "keep Analyze images as a pair of .hdr and .img files"
    )


def _read_start(path: Path) -> bytes:
    try:
        with open_maybe_gzip(path) as file:
            return file.read(540)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise truncated(path, "its compressed header cannot be read") from error


def open_maybe_gzip(path: Path) -> BinaryIO:
    """Compressed or not is decided by the content: either may carry the other's name."""
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")


def partner(path: Path, suffix: str) -> Path:
    """The .hdr or .img that belongs to a pair, or the path itself for a single file."""
    if path.suffix.lower() not in (".hdr", ".img"):
        return path
    other = path.with_suffix(suffix.upper() if path.suffix.isupper() else suffix)
    if not other.is_file():
        raise UnreadableImageError(
            path, f"expected {other.name} beside it, found none", "copy both files of the pair into one folder"
        )
    return other


def _shape_xyz(path: Path, header: Any) -> tuple[int, int, int]:
    axes = int(header["dim"][0])
    if not 1 <= axes <= 7:
        raise UnreadableImageError(path, f"its header declares {axes} axes", "export the image again")
    shape = tuple(int(n) for n in header["dim"][1 : axes + 1])
    if axes < 3 or any(n != 1 for n in shape[3:]):
        raise UnreadableImageError(
            path,
            f"expected one three-dimensional image, found {' x '.join(map(str, shape))}",
            "save the frame that you want, or the stack of slices, as one 3-D image",
        )
    return cast(tuple[int, int, int], shape[:3])


def header_grid(path: Path, header: Any) -> Grid:
    """Where the header puts the voxels, or an error that says why it cannot be trusted."""
    shape = _shape_xyz(path, header)
    if isinstance(header, nib.Nifti1Header):  # Nifti2Header is one too
        return _nifti_grid(path, header, shape)
    return _analyze_grid(path, header, shape)


def _nifti_grid(path: Path, header: Any, shape: tuple[int, int, int]) -> Grid:
    unit_mm = _UNIT_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    has_sform, has_qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    if not (has_sform or has_qform):
        warnings.warn(
            "NIfTI files without sform and qform say nothing about orientation; x is taken to run to the patient's "
            "left, y to posterior, z to superior, with the first voxel at 0.",
            stacklevel=2,
        )
        return _from_lps(path, np.diag(header["pixdim"][1:4].astype(float)) * unit_mm, np.zeros(3), shape, "header")
    grids = {}
    if has_sform:
        grids["sform"] = _from_ras(path, header.get_sform(), unit_mm, shape, "sform")
    if has_qform:
        try:
            qform = header.get_qform()
        except (ValueError, HeaderDataError) as error:
            raise UnreadableImageError(path, f"its qform cannot be used ({error})", _FIX_HEADER) from error
        grids["qform"] = _from_ras(path, qform, unit_mm, shape, "qform")
    if len(grids) == 2 and (difference := disagreement(grids["sform"], grids["qform"])):
        raise UnreadableImageError(
            path, f"its sform and qform put the image at different places ({difference})", _FIX_HEADER
        )
    return grids.get("sform") or grids["qform"]  # the sform is not rounded to a quaternion


def _analyze_grid(path: Path, header: Any, shape: tuple[int, int, int]) -> Grid:
    orient = int(np.frombuffer(header.binaryblock, np.uint8)[252])
    if orient != 0:
        raise UnreadableImageError(
            path,
            f"expected an Analyze image in transverse unflipped order (orient 0), found orient {orient}",
            "convert it to NIfTI with a program that knows how it was made",
        )
    warnings.warn(
        "Analyze files do not say where left is; as their format defines, x is taken to run to the patient's left, "
        "y to anterior, z to superior, with the first voxel at 0.",
        stacklevel=2,
    )
    matrix = np.diag(header["pixdim"][1:4].astype(float)) @ np.diag([1.0, -1.0, 1.0])
    return _from_lps(path, matrix, np.zeros(3), shape, "header")


def _from_ras(path: Path, affine: NDArray[Any], unit_mm: float, shape: tuple[int, int, int], source: str) -> Grid:
    matrix, origin = RAS_TO_LPS[:, None] * affine[:3, :3] * unit_mm, RAS_TO_LPS * affine[:3, 3] * unit_mm
    return _from_lps(path, matrix, origin, shape, source)


def _from_lps(
    path: Path, matrix: NDArray[Any], origin_mm: NDArray[Any], shape: tuple[int, int, int], source: str
) -> Grid:
    try:
        return grid_from_affine(matrix, origin_mm, shape)
    except GeometryError as error:
        raise UnreadableImageError(
            path,
            f"expected voxels with a positive spacing along perpendicular axes, its {source} has {error}",
            "export it again from the scanner's series (dcm2niix also straightens a tilted gantry)",
        ) from error
