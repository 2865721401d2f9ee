"""Connected components of masks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry.crop import bounding_slices

Connectivity = Literal[1, 2, 3]
"""Neighbours share a face (1), a face or an edge (2), a face, an edge or a corner (3)."""


def label_components(mask: NDArray[Any], connectivity: Connectivity = 3) -> tuple[NDArray[np.int32], int]:
    """Number the connected components of a mask from 1 in scan order.

    Args:
        mask: (Z, Y, X), non-zero is inside.
        connectivity: see :data:`Connectivity`.

    Returns:
        int32 labels of the mask's shape (0 outside) and the number of components.
    """
    assert connectivity in (1, 2, 3), f"connectivity {connectivity}"
    labels = np.zeros(mask.shape, np.int32)
    window = bounding_slices(mask)
    if window is None:
        return labels, 0
    structure = ndimage.generate_binary_structure(mask.ndim, min(connectivity, mask.ndim))
    count = ndimage.label(mask[window], structure=structure, output=labels[window])
    return labels, int(count)


def component_volumes_mm3(labels: NDArray[np.integer[Any]], count: int, voxel_volume_mm3: float) -> NDArray[np.float64]:
    """(count,) volumes; entry ``i`` belongs to label ``i + 1``."""
    voxels = np.bincount(labels.ravel(), minlength=count + 1)[1 : count + 1]
    return voxels.astype(np.float64) * voxel_volume_mm3


def largest_component(mask: NDArray[Any], connectivity: Connectivity = 3) -> NDArray[np.bool_]:
    """The component with most voxels, the first in scan order among equals; all False for an empty mask."""
    labels, count = label_components(mask, connectivity)
    if count == 0:
        return np.zeros(mask.shape, np.bool_)
    return np.asarray(labels == 1 + int(np.argmax(component_volumes_mm3(labels, count, 1.0))))
