"""Whether PET values can be body-weight SUV at all."""

from __future__ import annotations

import numpy as np

from hnseg.geometry import resample
from hnseg.types import Volume

BODY_HU = -500.0
LARGEST_BODY_MEDIAN_SUV = 3.0
"""Half of a body, tumours and bladder included, is muscle, fat, lung and blood at SUV 0.2 to 2."""
LARGEST_BRAIN_MEDIAN_SUV = 20.0
"""Without a CT what is bright may be a brain and little else, in a scan of the head; its grey matter reaches SUV 15."""
LARGEST_SUV = 100.0
"""Reached in a bladder, never by a tumour."""
SMALLEST_MAXIMUM_SUV = 1.0
NEGATIVE_SHARE = 0.05
"""Reconstructions that subtract randoms and scatter leave small negative values; HU and differences are far below."""


def suv_complaint(pet: Volume, ct: Volume | None = None) -> str | None:
    """What speaks against SUV in one clause, or None.

    Args:
        pet: the image in question.
        ct: tells body from air, on any grid; without it what is above a tenth of the 99th percentile is looked at,
            and may be as bright as a brain.
    """
    lowest, highest = float(pet.array.min()), float(pet.array.max())
    if lowest < -NEGATIVE_SHARE * max(highest, 0.0) - 0.01:
        return f"its lowest value is {lowest:.4g}"
    if highest < SMALLEST_MAXIMUM_SUV:
        return f"its highest value is {highest:.4g}, as if it had been scaled"
    median = _body_median(pet, ct)
    if median > (LARGEST_BRAIN_MEDIAN_SUV if ct is None else LARGEST_BODY_MEDIAN_SUV):
        return f"half of the body is above {median:.4g}, as in Bq/ml or counts"
    if highest > LARGEST_SUV:
        return f"its highest value is {highest:.4g}"
    return None


def _body_median(pet: Volume, ct: Volume | None) -> float:
    body = None
    if ct is not None:
        body = pet.array[resample(ct, pet.grid, "linear", -1024.0).array > BODY_HU]
    if body is None or body.size == 0:
        body = pet.array[pet.array > 0.1 * np.percentile(pet.array, 99)]
    return float(np.median(body)) if body.size else 0.0
