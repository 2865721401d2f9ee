"""A radiotherapy dose that fits the tumour: what the 2025 edition ships for some patients."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hnseg.phantom.patient import PhantomPatient
from hnseg.types import Volume

PRESCRIBED_GY = 70.0
_MARGIN_MM, _FALL_OFF_MM = 8.0, 28.0


def planned_dose(patient: PhantomPatient) -> Volume:
    """float32 Gy on the CT grid: the prescription within 8 mm of tumour and nodes, falling off outside, 0 in air."""
    target = (patient.gtvp.array > 0) | (patient.gtvn.array > 0)
    away_mm = ndimage.distance_transform_edt(~target, sampling=patient.ct_grid.spacing_mm)
    dose = PRESCRIBED_GY * np.exp(-np.maximum(away_mm - _MARGIN_MM, 0) / _FALL_OFF_MM)
    return Volume(np.where(patient.organs["Body"], np.round(dose, 2), 0).astype(np.float32), patient.ct_grid)
