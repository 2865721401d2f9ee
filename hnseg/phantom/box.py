"""The bounding box that the HECKTOR organisers would publish for a phantom patient."""

from __future__ import annotations

import numpy as np

from hnseg.phantom import head, neck, torso
from hnseg.phantom.plan import PatientPlan
from hnseg.phantom.space import Space
from hnseg.phantom.structure import paint
from hnseg.types import BoxMm, Grid

SIZE_MM = 144.0
ABOVE_BRAIN_MM = 30.0  # the box ends so far above the lowest voxel of the brain
FRONT_OF_BRAIN_MM = 30.0  # and its middle lies so far in front of the brain's
_STEP_MM = 5.0


def organisers_box(plan: PatientPlan, ct_grid: Grid) -> BoxMm:
    """The organisers' rule applied to the true brain, moved where needed to hold the whole primary.

    The rule (Oreiller et al. 2022, doi:10.1016/j.media.2021.102336, on the HECKTOR boxes) puts 144 mm below the brain;
    the size is cut to whole CT voxels, as published boxes are. The box stays inside the CT where the CT is that large.
    """
    low, high = ct_grid.extent_mm
    count = np.maximum(np.ceil((high - low) / _STEP_MM), 2).astype(int)
    coarse = Grid((count[2], count[1], count[0]), (_STEP_MM,) * 3, tuple(low + _STEP_MM / 2))  # type: ignore[arg-type]
    skin, airway = torso.outline(plan.build.fat_mm), neck.pharyngeal_airway(plan.build.airway_width)
    primary = [lesion.structure(skin, airway, 0.0) for lesion in plan.lesions if lesion.name == "GTVp"]
    brain = head.brain(plan.build.folds, 1.0)
    _, labels, names = paint([*primary, *brain], Space(coarse, plan.pose), "ct_hu", 0.0)
    skull = names.index("Skull") + 1
    tumour = _extent(labels == names.index("GTVp") + 1, coarse)
    inside = _extent((labels > 1) & (labels != skull), coarse)

    # the CT's spacing along x, y, z; for an oblique CT that of its nearest axes
    spacing_xyz = np.asarray(ct_grid.spacing_mm)[np.abs(ct_grid.direction).argmax(axis=1)]
    size = np.maximum(np.floor(SIZE_MM / spacing_xyz + 1e-6), 1) * spacing_xyz
    middle = inside.mean(axis=0)
    start = np.array([middle[0], middle[1] - FRONT_OF_BRAIN_MM, 0.0]) - size / 2
    start[2] = inside[0, 2] + ABOVE_BRAIN_MM - size[2]
    start = np.clip(start, tumour[1] - size, tumour[0])
    start = np.round(np.where(high - low > size, np.clip(start, low, high - size), start), 3)
    end = np.round(start + size, 3)
    return BoxMm(tuple(start.tolist()), tuple(end.tolist()))


def _extent(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """(2, 3) lowest and highest LPS corner of a mask's voxels, edges included."""
    points = grid.to_lps_mm(np.argwhere(mask))
    half = np.asarray(grid.spacing_mm[::-1]) / 2
    return np.stack([points.min(axis=0) - half, points.max(axis=0) + half])
