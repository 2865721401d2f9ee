"""Area of the piece of surface inside every 2x2x2 neighbourhood of voxels, for measures weighted by area.

Nikolov et al. 2021 (doi:10.2196/26151) place one surface element at each corner where eight voxels meet. Its eight bits
("neighbour code") say which voxels belong to the mask, and its area is that of the marching-cubes triangles
(Lorensen and Cline 1987, doi:10.1145/37402.37422) in between. A code with more than four bits has the triangles of its
complement, so a mask and its background have one surface; without that rule 44 of the 256 areas differ from theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FULL_CODE = 255


def neighbour_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Codes (Z+1, Y+1, X+1) of the corners around every voxel of ``mask`` (Z, Y, X); outside counts as background.

    Bit ``4 dz + 2 dy + dx`` of the code at corner (z, y, x) is voxel (z - 1 + dz, y - 1 + dy, x - 1 + dx).
    """
    codes: NDArray[np.uint8] = np.pad(mask.astype(np.uint8), 1)
    for axis, bits in ((2, np.uint8(1)), (1, np.uint8(2)), (0, np.uint8(4))):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        codes = codes[tuple(low)] | (codes[tuple(high)] << bits)
    return codes


@lru_cache(maxsize=32)
def element_areas_mm2(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """(256,) area of the surface inside a neighbourhood, by neighbour code, for voxels of ``spacing_mm`` (z, y, x)."""
    z, y, x = spacing_mm
    normals, code_of_triangle = _triangle_normals()
    areas = np.linalg.norm(normals * (y * x, z * x, z * y), axis=1)
    by_code = np.bincount(code_of_triangle, weights=areas, minlength=256).astype(np.float64)
    by_code.setflags(write=False)
    return by_code


@lru_cache(maxsize=1)
def _triangle_normals() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Triangles of all codes at unit spacing: normals (T, 3), as long as their area, and the code (T,) of each."""
    from skimage.measure import marching_cubes  # slow to import, and only the element-weighted measures need it

    normals, codes = [], []
    for code in range(1, FULL_CODE):
        drawn = code if code.bit_count() <= 4 else FULL_CODE - code
        corners = ((drawn >> np.arange(8)) & 1).reshape(2, 2, 2)
        vertices, faces, _, _ = marching_cubes(corners.astype(np.float32), 0.5, method="lorensen")
        a, b, c = np.moveaxis(vertices.astype(np.float64)[faces], 1, 0)
        normals.append(np.cross(b - a, c - a) / 2)
        codes.append(np.full(len(faces), code))
    return np.concatenate(normals), np.concatenate(codes)


def surface_elements(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Corners whose neighbourhood is neither all background nor all mask."""
    # one comparison instead of two: uint8 wraps, so 255 becomes 0 and 0 becomes 1
    return (codes + np.uint8(1)) > 1


def areas_at(codes: NDArray[np.uint8], spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Areas in mm2 of the elements with these neighbour codes, same shape."""
    z, y, x = (float(v) for v in spacing_mm)
    return element_areas_mm2((z, y, x))[codes]
