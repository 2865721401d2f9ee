"""What clicks are made on: a whole case for a 3-D network, a slice of one for a 2-D network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg.prepare import Case


@dataclass(frozen=True, eq=False)
class Unit:
    """An image of d axes that is clicked on by itself, on the prepared grid.

    Attributes:
        slice: which of the case; None for all of them.
        image: (C, *s) float32, the modalities in HU and SUV.
        truth: (*s) uint8 label map.
        spacing_mm: of the d axes.
        voxel_ml: volume of a voxel, slice thickness included.
    """

    slice: int | None
    image: NDArray[np.float32]
    truth: NDArray[np.uint8]
    spacing_mm: tuple[float, ...]
    voxel_ml: float

    @property
    def present(self) -> list[int]:
        """Label values that the truth shows."""
        return [int(value) for value in np.unique(self.truth) if value]


def units_of(case: Case, spatial_dims: int, least_pixels: int, most_empty: int) -> tuple[list[Unit], list[Unit]]:
    """The units of a case that show enough of any structure, and those that show none of one.

    A slice with fewer positive pixels than enough, but some, is in neither list. A whole case can be in both: it may
    show one structure and lack another.

    Args:
        case: prepared, with a label map.
        spatial_dims: 2 for slices, 3 for the case.
        least_pixels: positive pixels, or voxels, from which a unit is clicked on.
        most_empty: as many slices without any positive pixel, evenly spaced.
    """
    image, label = case.crop((0, 0, 0), case.grid.shape_zyx)
    voxel_ml = case.grid.voxel_volume_mm3 / 1000.0
    if spatial_dims == 3:
        whole = Unit(None, image, label, case.grid.spacing_mm, voxel_ml)
        lacks = any(known and i + 1 not in whole.present for i, known in enumerate(case.annotated))
        return [whole] * bool(np.count_nonzero(label) >= max(1, least_pixels)), [whole] * lacks
    sizes = np.count_nonzero(label, axis=(1, 2))
    empty = np.flatnonzero(sizes == 0)
    some = empty[np.unique(np.linspace(0, len(empty) - 1, min(most_empty, len(empty))).round().astype(int))]
    kept = np.flatnonzero(sizes >= max(1, least_pixels))
    spacing_mm = case.grid.spacing_mm[1:]
    shown, without = (
        [Unit(int(z), image[:, z], label[z], spacing_mm, voxel_ml) for z in slices] for slices in (kept, some)
    )
    return shown, without
