"""Phantom images as NRRD files, laid out as PDDCA 1.4.1 has them, whose bytes depend on nothing but the image."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.phantom.nifti import DESCRIPTION
from hnseg.types import Volume

_TYPES = {"uint8": "unsigned char", "int16": "short"}


def write_phantom_nrrd(volume: Volume, path: Path) -> None:
    """Write ``volume`` (uint8 or int16) to ``path`` (.nrrd), whole or not at all, marked as a phantom in its header.

    Fields and their order are those of real files, with ``content`` for the mark; the space is left-posterior-superior,
    the data are little-endian and gzipped without time and name, so that the same image gives the same file.
    """
    array, grid = volume.array, volume.grid
    axes = [grid.direction[:, axis] * grid.spacing_mm[axis] for axis in (2, 1, 0)]  # x varies fastest
    lines = [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        f"content: {DESCRIPTION}",
        f"type: {_TYPES[array.dtype.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in grid.shape_zyx[::-1])}",
        f"space directions: {' '.join(_vector(axis) for axis in axes)}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(np.asarray(grid.origin_mm))}",
    ]
    header = "\n".join(lines) + "\n\n"
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    packed = gzip.compress(little.tobytes(), compresslevel=1, mtime=0)
    with atomic_path(path) as part:
        part.write_bytes(header.encode("ascii") + packed)


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(f"{value:.10g}" for value in values) + ")"
