"""How far a place is from the patient's body: for clicks in the air, which are mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry import largest_component
from hnseg.prepare.axial import axial
from hnseg.types import Grid, Volume

COARSE_MM = 4.0
"""Voxels are left out until they are about this large: what is looked for is a mistake of centimetres."""
BODY_HU = -500.0
"""Between skin and air."""
UPTAKE_SHARE = 0.01
UPTAKE_PERCENTILE = 99.9
"""What is above this share of the PET's high values is body: 0.1 to 0.2 SUV, in whatever unit the file has."""


class BodyDistance:
    """Millimetres to the body, 0 within it; the air that it encloses in an axial slice (throat, lungs) is within.

    The body is the largest piece of the CT above -500 HU; without a CT, whatever takes up a little in the PET.
    Distances are to voxels of about 4 mm. hnseg's own rule.

    Args:
        images: modality to volume.
    """

    def __init__(self, images: Mapping[str, Volume]) -> None:
        self._distance_mm: Volume | None = None
        source = images.get("ct", images.get("pt"))
        if source is None:
            return
        thin = _thinned(axial(source))
        body = _of_ct(thin.array) if "ct" in images else _of_pet(thin.array)
        if body.any():
            filled = np.stack([ndimage.binary_fill_holes(plane) for plane in body])
            distance_mm = ndimage.distance_transform_edt(~filled, sampling=thin.spacing_mm)
            self._distance_mm = Volume(distance_mm.astype(np.float32), thin.grid)

    def __call__(self, lps_mm: tuple[float, float, float]) -> float:
        """Of a place in the patient; 0 where no image shows it, or shows a body at all."""
        if self._distance_mm is None:
            return 0.0
        index = np.rint(self._distance_mm.grid.to_index_zyx(np.array(lps_mm))).astype(int)
        if np.any(index < 0) or np.any(index >= self._distance_mm.array.shape):
            return 0.0
        return float(self._distance_mm.array[tuple(index)])


def _thinned(volume: Volume) -> Volume:
    """Every n-th voxel along each axis."""
    steps = [max(1, int(COARSE_MM / spacing)) for spacing in volume.spacing_mm]
    array = volume.array[tuple(slice(None, None, step) for step in steps)]
    dz, dy, dx = (spacing * step for spacing, step in zip(volume.spacing_mm, steps, strict=True))
    return Volume(array, Grid(array.shape, (dz, dy, dx), volume.origin_mm, volume.direction))


def _of_ct(ct_hu: NDArray[Any]) -> NDArray[np.bool_]:
    return largest_component(ct_hu > BODY_HU)


def _of_pet(pet: NDArray[Any]) -> NDArray[np.bool_]:
    high = float(np.percentile(pet.astype(np.float32), UPTAKE_PERCENTILE))
    return np.asarray(pet > UPTAKE_SHARE * high, bool)
