"""PET of a painted anatomy: point spread, noise, calibration."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hnseg.phantom.centres import Centre
from hnseg.phantom.shapes import Field
from hnseg.phantom.space import Space
from hnseg.types import Volume

FWHM_PER_SIGMA = 2.3548
STEP_SUV = 1 / 1024  # scanners store whole numbers; a power of two keeps files small


def finish_pet(pet_suv: Field, space: Space, random: np.random.Generator, centre: Centre) -> Volume:
    """Turn true uptake into a scan.

    The true uptake is blurred with the scanner's Gaussian point spread. Noise has a variance proportional to the
    local mean, as counting has, and the grain of the reconstruction's own smoothing.

    Args:
        pet_suv: (Z, Y, X) noiseless SUV.
        space: of the PET grid.
        random: generator of this patient's PET.
        centre: how it scans.

    Returns:
        float32 SUV, never negative, in steps of `STEP_SUV`.
    """
    spacing = np.asarray(space.grid.spacing_mm)
    sigma = centre.pet_fwhm_mm / FWHM_PER_SIGMA / spacing
    scan = ndimage.gaussian_filter(pet_suv, sigma, truncate=3.0)
    grain = ndimage.gaussian_filter(random.standard_normal(scan.shape, dtype=np.float32), 0.8 * sigma, truncate=3.0)
    scan += grain * (centre.pet_noise / grain.std()) * np.sqrt(scan + np.float32(0.002))
    scan *= centre.suv_bias
    np.maximum(scan, 0, out=scan)
    return Volume((np.rint(scan / STEP_SUV) * STEP_SUV).astype(np.float32), space.grid)
