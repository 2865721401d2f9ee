"""Phantom images as NIfTI files whose bytes depend on nothing but the image."""

from __future__ import annotations

import gzip
from pathlib import Path

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
    image = nib.Nifti1Image(np.ascontiguousarray(volume.array).T, None)
    affine = _LPS_TO_RAS @ volume.grid.affine @ _XYZ_TO_ZYX
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    image.header["descrip"] = DESCRIPTION.encode()
    image.header.set_xyzt_units("mm")
    packed = gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)
    with atomic_path(path) as part:
        part.write_bytes(packed)
