"""Image files to :class:`~hnseg.types.Volume` and back; the format follows from the file name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.io.errors import UnreadableImageError
from hnseg.io.itk_images import read_itk, read_itk_grid, write_itk
from hnseg.io.nifti import read_nifti, read_nifti_grid, write_nifti
from hnseg.types import Grid, Volume

NIFTI_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
IMAGE_SUFFIXES = NIFTI_SUFFIXES + ITK_SUFFIXES


def is_image(path: Path) -> bool:
    """Whether the name ends like that of an image which hnseg can read."""
    return path.name.lower().endswith(IMAGE_SUFFIXES)


def stem(path: Path) -> str:
    """The name of an image file without its ending, ``.nii.gz`` and the like taken off whole."""
    ending = max((suffix for suffix in IMAGE_SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(ending)]


def read_volume(path: Path) -> Volume:
    """Read NIfTI (.nii, .nii.gz, .hdr/.img pairs), NRRD, MetaImage or Analyze 7.5.

    * **dtype**: as stored, in native byte order, so that an int16 CT stays int16; float64 becomes float32, and so
      does everything that a slope and intercept of the header are applied to.
    * **frames**: a fourth axis of length one is dropped; more frames, colours and vectors are refused.
    * **NIfTI** with sform and qform that agree (0.1 mm and 0.001 in a direction cosine, which covers rounding): the
      sform. With one of them: that one. With neither: spacing and LPS axes, with a warning. Metres and micrometres
      become millimetres.
    * **Analyze 7.5** has no reliable orientation. Its own definition of orient 0 is used: x to the patient's left, y to
      *anterior*, z to superior, the first voxel at 0; a warning says so. nibabel takes the same axes, centred;
      SimpleITK takes y to *posterior*, which turns the patient face down. Other values of orient are refused.
    * **memory**: a header that declares more than fits, or more than the file can hold, is refused before anything
      is decompressed.

    Raises:
        UnreadableImageError: a missing, empty, truncated or damaged file or folder, an unknown format, sheared axes,
            a spacing that is zero or not finite, an sform and qform that disagree, more than one frame or
            channel, a size beyond the memory.
    """
    path = _existing_file(Path(path))
    return read_nifti(path) if _is_nifti(path) else read_itk(path)


def read_grid(path: Path) -> Grid:
    """The grid that :func:`read_volume` would give, from the header alone.

    Raises:
        UnreadableImageError: as :func:`read_volume`, as far as the header tells.
    """
    path = _existing_file(Path(path))
    return read_nifti_grid(path) if _is_nifti(path) else read_itk_grid(path)


def write_volume(volume: Volume, path: Path, compress: bool = True) -> None:
    """Write in the format that the name asks for; missing folders are made, and no half-written file is ever seen.

    bool becomes uint8 and float16 float32. ``.hdr`` and ``.img`` make a NIfTI-1 pair, which programs for Analyze read
    and which keeps the orientation. Pairs are replaced data file first, so only between two renames do they differ.

    Args:
        volume: what to write.
        path: name ending in one of :data:`IMAGE_SUFFIXES`.
        compress: for NRRD and MetaImage; NIfTI is compressed if and only if its name ends in ``.gz``.

    Raises:
        ValueError: an unknown ending, voxels that are not numbers, or a grid that is not finite.
        DiskFullError: no room.
    """
    path = Path(path)
    if not is_image(path):
        raise ValueError(f"{path}: hnseg writes images named {', '.join(IMAGE_SUFFIXES)}; choose one of these.")
    if volume.array.dtype.kind not in "biuf":
        raise ValueError(f"{path}: voxels of type {volume.array.dtype} cannot be written; convert them to numbers.")
    if not np.isfinite(volume.grid.affine).all():
        raise ValueError(f"{path}: the grid to write has a position or spacing that is not finite.")
    if path.suffix.lower() == ".img":
        path = path.with_suffix(".hdr")
    with atomic_path(path) as temporary:
        if _is_nifti(path):
            write_nifti(volume, temporary)
        else:
            write_itk(volume, temporary, compress)


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def _existing_file(path: Path) -> Path:
    if path.is_dir():
        raise UnreadableImageError(path, "expected an image file, found a folder", "name the file inside it")
    if not path.is_file():
        raise UnreadableImageError(path, "expected an image file, found nothing", "check the path and its spelling")
    if not is_image(path):
        raise UnreadableImageError(
            path,
            f"expected a name ending in {', '.join(IMAGE_SUFFIXES)}",
            "convert it, DICOM series for example with dcm2niix",
        )
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise UnreadableImageError(
            path, f"expected a file that can be opened ({error.strerror})", "check its permissions and its disk"
        ) from error
    if not first:
        raise UnreadableImageError(path, "expected an image, found an empty file", "copy or download it again")
    return path
