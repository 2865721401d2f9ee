"""The regions ``body`` and ``head_neck`` of a recipe: boxes around what `find_head_neck` finds in a CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.prepare.head_neck import HeadNeck, find_head_neck
from hnseg.types import BoxMm, Volume

BELOW_SHOULDERS_MM = 50.0
"""A chin on the chest lies below the shoulders' top: up to 24 mm were seen in real scans."""
ABOVE_MM = 50.0
AROUND_MM = 15.0


def body_box(ct: Volume, size_mm: tuple[float | None, float, float]) -> BoxMm:
    """A box of one size in plane for all patients, centred on head and neck; it may reach beyond the scan.

    Args:
        ct: HU.
        size_mm: (z, y, x); a height hangs from `ABOVE_MM` above the head, None keeps all slices.

    Raises:
        NoBodyFoundError: the CT shows no head or neck.
    """
    corners_mm = find_head_neck(ct).corners_mm
    height_mm, depth_mm, width_mm = size_mm
    middle = (corners_mm.min(axis=0) + corners_mm.max(axis=0)) / 2
    half = np.array([width_mm / 2, depth_mm / 2, 0.0])
    low, high = middle - half, middle + half
    whole_low, whole_high = ct.grid.extent_mm
    low[2], high[2] = whole_low[2], whole_high[2]
    if height_mm is not None:
        high[2] = min(corners_mm[:, 2].max() + ABOVE_MM, whole_high[2])
        low[2] = high[2] - height_mm
    return BoxMm(tuple(low.tolist()), tuple(high.tolist()), "body")


def head_neck_box(ct: Volume) -> BoxMm:
    """Head and neck of a patient, as large as they are, without the chest; within the scan.

    It ends `BELOW_SHOULDERS_MM` below the shoulders' top, and `AROUND_MM` beside and `ABOVE_MM` above the head. Zhu et
    al. 2018 (doi:10.1002/mp.13300) cut by hand so that nothing annotated was lost; for what docs/datasets/public_oar.md
    measures, so does this.

    Args:
        ct: HU.

    Raises:
        NoBodyFoundError: the CT shows no head or neck.
    """
    found = find_head_neck(ct)
    whole_low, whole_high = ct.grid.extent_mm
    low = np.maximum(found.corners_mm.min(axis=0) - _margin_below(found), whole_low)
    high = np.minimum(found.corners_mm.max(axis=0) + np.array([AROUND_MM, AROUND_MM, ABOVE_MM]), whole_high)
    return BoxMm(tuple(low.tolist()), tuple(high.tolist()), "head_neck")


def _margin_below(found: HeadNeck) -> NDArray[np.float64]:
    return np.array([AROUND_MM, AROUND_MM, BELOW_SHOULDERS_MM if found.has_shoulders else ABOVE_MM])
