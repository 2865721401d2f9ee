"""The plane that all slices of a series lie in, from direction cosines that are rounded or a little off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.objects import ImageTags, RefusedDicomError

DIRECTION_TOLERANCE = 2e-3
"""How far a direction cosine may be from a unit vector, or the two from a right angle (radian). What three decimals
leave is below it; across a field of 500 mm it is a millimetre, halved between row and column: less than a voxel."""

ORIENTATION_TOLERANCE = 2e-3
"""How far direction cosines may differ between files that are said to lie in the same plane; twice what three decimals
leave, and a tenth of a degree."""

_EXACT = 1e-14  # below it cosines are kept as they are, so that an unrotated scan stays exactly unrotated


def slice_axes(images: Sequence[ImageTags]) -> NDArray[np.float64]:
    """(3, 3) LPS unit vectors as columns: normal, down a column, along a row; at right angles to each other.

    The normal is row direction x column direction (PS3.3 C.7.6.2.1.1).

    Raises:
        RefusedDicomError: ``no_geometry``, where the cosines are no directions at right angles; ``mixed_orientations``.
    """
    cosines = np.array([image.orientation for image in images], float)
    along, down = cosines[:, :3], cosines[:, 3:]
    lengths = np.stack([np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1)])
    worst = max(np.abs(lengths - 1).max(), np.abs((along * down).sum(axis=1)).max())
    if worst > DIRECTION_TOLERANCE:
        raise RefusedDicomError(
            "no_geometry",
            "Image Orientation (Patient) (0020,0037) is not two unit vectors at right angles: it is off by "
            f"{worst:.4f}, {DIRECTION_TOLERANCE} is taken as rounding.",
        )
    _check_one_plane(cosines)
    # Three decimals in one file and six in another: the mean; equal ones stay what they are.
    mean = cosines[0] if np.ptp(cosines, axis=0).max() < _EXACT else cosines.mean(axis=0)
    along_axis, down_axis = _at_right_angles(_unit(mean[:3]), _unit(mean[3:]))
    return np.stack([np.cross(along_axis, down_axis), down_axis, along_axis], axis=1)


def _check_one_plane(cosines: NDArray[np.float64]) -> None:
    if np.ptp(cosines, axis=0).max() <= ORIENTATION_TOLERANCE:
        return
    _, counts = np.unique(np.round(cosines, 2) + 0.0, axis=0, return_counts=True)  # + 0.0: no negative zeros
    raise RefusedDicomError(
        "mixed_orientations",
        "the images of the series do not lie in parallel planes by Image Orientation (Patient) (0020,0037): the most "
        f"that do are {counts.max()} of {len(cosines)}. Export each orientation as a series of its own.",
    )


def _at_right_angles(
    along: NDArray[np.float64], down: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two unit vectors turned by equal angles until they stand at right angles."""
    if abs(float(along @ down)) < _EXACT:
        return along, down
    between, across = _unit(along + down), _unit(along - down)
    return (between + across) / np.sqrt(2), (between - across) / np.sqrt(2)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    return vector if abs(length - 1) < _EXACT else vector / length
