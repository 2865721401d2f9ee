"""Phantom images as NIfTI files whose bytes depend on nothing but the image."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.types import Volume

DESCRIPTION = "hnseg phantom, not a patient"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_XYZ_TO_ZYX = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)


def write_phantom_nifti(volume: Volume, path: Path) -> None:
    """Write ``volume`` to ``path`` (.nii.gz), whole or not at all, marked as a phantom in its header.

    sform and qform agree and are both in scanner space. The gzip header has neither time nor name, so that the same
    image gives the same file.
    """
    packed = gzip.compress(_image(volume, nib.Nifti1Image).to_bytes(), compresslevel=1, mtime=0)
    with atomic_path(path) as part:
        part.write_bytes(packed)


def write_phantom_pair(volume: Volume, path: Path, step: float = 1.0) -> None:
    """Write ``volume`` as the NIfTI pair ``path`` (.img) and .hdr, marked as `write_phantom_nifti` marks it.

    The header takes its place last. Floating-point values are stored as int16 multiples of ``step``, as scanners do,
    and read back as float32; values must lie below 32767 steps.
    """
    array = volume.array
    if array.dtype.kind == "f":
        array = np.rint(array / step)
        assert np.abs(array).max() <= np.iinfo(np.int16).max, "beyond what int16 holds"
        array = array.astype(np.int16)
    image = _image(Volume(array, volume.grid), nib.Nifti1Pair)
    image.header.set_slope_inter(step if volume.array.dtype.kind == "f" else 1.0, 0.0)
    with atomic_path(path.with_suffix(".hdr")) as header:
        # by hand: nibabel would look for a slope of its own
        header.write_bytes(image.header.binaryblock + bytes(4))
        header.with_suffix(".img").write_bytes(np.ascontiguousarray(array).tobytes())


def _image(volume: Volume, kind: Any) -> Any:
    image = kind(np.ascontiguousarray(volume.array).T, None)
    affine = _LPS_TO_RAS @ volume.grid.affine @ _XYZ_TO_ZYX
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    image.header["descrip"] = DESCRIPTION.encode()
    image.header.set_xyzt_units("mm")
    return image
