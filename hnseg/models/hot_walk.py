"""A random walk between what is surely hot and what is surely cool, for outlines between the two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.components import label_components

INSIDE, OUTSIDE = 0.6, 0.2
"""Shares of the peak: from the first on a voxel is a seed of the region, below the second one of what is round it."""
STIFFNESS = 130.0
"""How hard a step between unlike voxels is; scikit-image's own."""
TOLERANCE = 1e-5


def walked(
    pet_suv: NDArray[np.float32], allowed: NDArray[np.bool_], peak: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> NDArray[np.bool_]:
    """The voxels from which a random walker sooner comes to the hot voxels round ``peak`` than to cool ones.

    Grady 2006, doi:10.1109/TPAMI.2006.233, by scikit-image. Seeds of the region are the voxels with at least 60 % of
    the peak's SUV that hang together with it; all with less than 20 %, those not allowed (too far away, or nearer to a
    negative click), and what does not hang together with the peak at 20 % are seeds of the rest. Both shares are our
    choice. A click's voxel alone is no seed: in three dimensions a walker hardly ever finds a single voxel.

    Args:
        pet_suv: (*s), 2-D or 3-D, positive at the peak.
        allowed: (*s), with the peak.
        peak: index of the hottest voxel near the click.
        spacing_mm: of the axes.
    """
    from skimage.segmentation import random_walker  # slow to import, and only this method needs it

    top = pet_suv[peak]
    between = component_at(allowed & (pet_suv >= OUTSIDE * top), peak)
    inside = component_at(between & (pet_suv >= INSIDE * top), peak)
    if between.all() or not (between & ~inside).any():  # nothing to walk away to, or nowhere to walk
        return between
    seeds = np.where(inside, 1, np.where(between, 0, 2))
    spacing = np.asarray(spacing_mm) / min(spacing_mm)
    found = random_walker(pet_suv / top, seeds, beta=STIFFNESS, tol=TOLERANCE, spacing=spacing)
    return np.asarray(found == 1)


def component_at(mask: NDArray[np.bool_], index: tuple[int, ...]) -> NDArray[np.bool_]:
    """The component that holds ``index``, neighbours sharing at least a corner; empty where the mask does not."""
    labels, _ = label_components(mask)
    return (labels == labels[index]) & mask
