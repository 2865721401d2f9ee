"""The search region that HECKTOR's organisers derive from where the brain is in the PET."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.prepare.axial import axial
from hnseg.prepare.recipe import RegionNotFoundError
from hnseg.types import BoxMm, Grid, Volume

SMOOTHING_VOXELS = 3.0
LARGEST_SMOOTHING_MM = 16.5
"""3 voxels of 5.5 mm, the coarsest PET of HECKTOR; 3 voxels of a coarser image would wipe a brain out."""
THRESHOLDS_SUV = (3.0, 0.1)
ABOVE_BRAIN_BASE_MM = 30.0
ANTERIOR_SHIFT_MM = 30.0

BRAIN_ML = (100.0, 5000.0)
"""Less is a hot spot, more is a body that the low threshold let through; a smoothed adult brain has 1000 to 2500 ml."""
BRAIN_HEIGHT_MM = 250.0


class NoBrainFoundError(RegionNotFoundError):
    """Nothing in the upper third of the PET looks like a brain."""


def brain_box(pet: Volume, size_mm: tuple[float, float, float]) -> BoxMm:
    """The HECKTOR organisers' rule for a box around the oropharynx, found from where the brain is.

    The PET is smoothed (Gaussian, sigma 3 voxels) and thresholded at SUV 3, or 0.1 where nothing is above 3. The
    brain is the component with most voxels in the upper third of the slices. The box ends 30 mm above its lowest
    voxel, is centred on it from left to right, and 30 mm in front of its centre; then it is shifted to stay inside
    the image. (Andrearczyk et al. 2020, doi:10.1007/978-3-030-67194-5_1.) Positions are measured in the patient, so
    the order and direction of the array axes do not matter. Departures: what cannot be a brain by its volume
    or height is refused, and voxels above 5.5 mm are smoothed by 16.5 mm.

    Args:
        pet: body-weight SUV.
        size_mm: size of the box (z, y, x).

    Raises:
        NoBrainFoundError: no component is plausible, say in a scan of the neck alone or with PET that is not in SUV.
    """
    pet = axial(pet)
    sigma_voxels = [min(SMOOTHING_VOXELS, LARGEST_SMOOTHING_MM / spacing) for spacing in pet.spacing_mm]
    smooth = ndimage.gaussian_filter(pet.array.astype(np.float32), sigma_voxels)
    reasons = []
    for threshold in THRESHOLDS_SUV:
        brain = _largest_in_upper_third(smooth > threshold)
        if brain is None:
            reasons.append(f"nothing is above SUV {threshold:g} there")
            continue
        corners = _extent_mm(brain, pet.grid)
        volume_ml = float(brain.sum()) * pet.grid.voxel_volume_mm3 / 1000
        height_mm = corners[1, 2] - corners[0, 2]
        if BRAIN_ML[0] <= volume_ml <= BRAIN_ML[1] and height_mm <= BRAIN_HEIGHT_MM:
            return _place(corners, size_mm, pet.grid)
        reasons.append(f"what is above SUV {threshold:g} has {volume_ml:.0f} ml and is {height_mm:.0f} mm high")
    raise NoBrainFoundError(f"no brain was found in the upper third of the PET: {'; '.join(reasons)}")


def _largest_in_upper_third(hot: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The component with most voxels in the upper third of axis 0, all of it; None where there is none."""
    labels, _ = ndimage.label(hot)
    counts = np.bincount(labels[hot.shape[0] * 2 // 3 :].ravel())
    if counts[1:].sum() == 0:
        return None
    return np.asarray(labels == 1 + int(counts[1:].argmax()))


def _extent_mm(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    """(2, 3): lowest and highest LPS coordinate (x, y, z) of the mask's voxel centres."""
    positions = grid.to_lps_mm(np.argwhere(mask))
    return np.stack([positions.min(axis=0), positions.max(axis=0)])


def _place(brain_mm: NDArray[np.float64], size_mm: tuple[float, float, float], grid: Grid) -> BoxMm:
    size = np.asarray(size_mm[::-1])
    centre = brain_mm.mean(axis=0)
    high = np.array(
        [centre[0] + size[0] / 2, centre[1] - ANTERIOR_SHIFT_MM + size[1] / 2, brain_mm[0, 2] + ABOVE_BRAIN_BASE_MM]
    )
    low = high - size
    image_low, image_high = grid.extent_mm
    shift = np.maximum(image_low - low, 0) - np.maximum(high - image_high, 0)
    too_small = image_high - image_low < size
    shift[too_small] = ((image_low + image_high) / 2 - (low + high) / 2)[too_small]
    return BoxMm(tuple((low + shift).tolist()), tuple((high + shift).tolist()), "brain")
