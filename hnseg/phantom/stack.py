"""The stack of axial PET slices that a Turku-like PET/MRI scanner stores, and the mask that a doctor drew on it.

A scanner reconstructs PET on pixels of 3 to 4 mm and stores it enlarged to the matrix of its display. So the anatomy is
painted, blurred and made noisy on the scanner's own pixels and then interpolated linearly in the plane, which takes a
sixth to a tenth of the 3 s that painting 512 x 512 pixels takes. The mask is painted on the stored matrix itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.phantom.anatomy import structures
from hnseg.phantom.centres import Centre, Site
from hnseg.phantom.lesions import draw_recurrences
from hnseg.phantom.noise import generator
from hnseg.phantom.pet import finish_pet
from hnseg.phantom.plan import PatientPlan, plan_patient
from hnseg.phantom.space import Space
from hnseg.phantom.structure import paint
from hnseg.types import Grid, Volume

MATRIX = 512
FEWEST_SLICES, MOST_SLICES = 32, 66
"""Pixels along a side of a stored slice, and slices in a stack (Rainio et al. 2024, section 2.2)."""

_SITES: dict[Site, float] = {
    "tonsil": 0.18, "tongue base": 0.22, "soft palate": 0.06, "hypopharynx": 0.14, "larynx": 0.14, "oral tongue": 0.18,
    "nasopharynx": 0.08,
}  # fmt: skip
SCANNERS = (
    Centre("TURKU-A", 0, pet_spacing_mm=(4.0, 4.0, 4.0), pet_field_mm=576.0, pet_noise=0.12, pet_fwhm_mm=5.2,
           sites=_SITES),
    Centre("TURKU-B", 0, pet_spacing_mm=(4.0, 3.125, 3.125), pet_field_mm=600.0, pet_noise=0.10, pet_fwhm_mm=4.7,
           sites=_SITES),
)  # fmt: skip
"""Two PET/MRI scanners, dealt to the patients in turn; 144 and 192 pixels along a side. How far apart the slices are is
drawn a patient. Field, resolution and noise are made up to be plausible."""

_LESION_COUNTS = (0.64, 0.21, 0.10, 0.05)  # shares of one to four, of those who have any
_ABOVE_BRAIN_STEM = 0.38  # share of the stack
_MARGIN_MM = 8.0


def plan_recurrence(seed: int, index: int, case_id: str, healthy: bool) -> PatientPlan:
    """A patient after treatment: 1 to 4 lesions, none if ``healthy``; no clinical record, as Turku publishes none.

    Raises:
        ValueError: a negative seed or index.
    """
    plan = plan_patient(seed, index, SCANNERS[index % len(SCANNERS)], case_id)
    random = generator(seed, index, "lesions")
    count = 1 + int(random.choice(len(_LESION_COUNTS), p=_LESION_COUNTS))
    return replace(plan, lesions=draw_recurrences(random, plan.centre, 0 if healthy else count), clinical={})


def stack_grid(plan: PatientPlan, coarse: float = 1.0) -> Grid:
    """Where the stored voxels lie: 32 to 66 slices 3 to 5 mm apart, with all lesions and part of the brain in view.

    Args:
        plan: the patient.
        coarse: divides the matrix of 512 x 512; the field of view and the slices stay.
    """
    random = generator(plan.seed, plan.index, "stack")
    slices = int(random.integers(FEWEST_SLICES, MOST_SLICES + 1))
    thickness = round(float(np.clip(random.uniform(170, 220) / slices, 3.0, 5.0)), 2)
    x, y, z = plan.pose.origin_lps_mm
    lowest = min((low[2] for low, _ in _extents(plan)), default=np.inf) - _MARGIN_MM
    bottom = min(z - (1 - _ABOVE_BRAIN_STEM) * slices * thickness, lowest)
    matrix = max(round(MATRIX / coarse), 2)
    pixel = plan.centre.pet_field_mm / matrix
    half = (matrix - 1) / 2 * pixel
    origin = (round(x - half, 3), round(y - half, 3), round(float(bottom + thickness / 2), 3))
    return Grid((slices, matrix, matrix), (thickness, pixel, pixel), origin)


def stack_pet(plan: PatientPlan, grid: Grid) -> Volume:
    """float32 SUV on ``grid``."""
    slices, matrix, _ = grid.shape_zyx
    own = min(matrix, round(plan.centre.pet_field_mm / plan.centre.pet_spacing_mm[1]))
    pixel = plan.centre.pet_field_mm / own
    shift = (pixel - grid.spacing_mm[1]) / 2
    x, y, z = grid.origin_mm
    space = Space(Grid((slices, own, own), (grid.spacing_mm[0], pixel, pixel), (x + shift, y + shift, z)), plan.pose)
    suv, _, _ = paint(structures(plan.build, plan.lesions), space, "pet_suv", 0.0)
    scan = finish_pet(suv, space, generator(plan.seed, plan.index, "pet"), plan.centre).array
    at = (np.arange(matrix) + 0.5) * own / matrix - 0.5
    weights = np.stack([np.interp(at, np.arange(own), row) for row in np.eye(own)], axis=1).astype(np.float32)
    return Volume(np.asarray(weights @ scan @ weights.T, np.float32), grid)


def stack_mask(plan: PatientPlan, grid: Grid) -> Volume:
    """All tumour, primary and nodes as one, uint8 0/1 on ``grid``; bone or airway may cut no crumb off a lesion."""
    mask = np.zeros(grid.shape_zyx, bool)
    extents = _extents(plan)
    if extents:
        box = _voxels(grid, np.min([low for low, _ in extents], axis=0), np.max([high for _, high in extents], axis=0))
        start = np.array([cut.start for cut in box], float)
        shape = tuple(cut.stop - cut.start for cut in box)
        x, y, z = (float(v) for v in grid.to_lps_mm(start))
        space = Space(Grid(shape, grid.spacing_mm, (x, y, z)), plan.pose)  # type: ignore[arg-type]
        _, labels, names = paint(structures(plan.build, plan.lesions), space, "pet_suv", 0.0)
        tumour = [names.index(name) + 1 for name in ("GTVp", "GTVn") if name in names]
        mask[box] = _largest(np.isin(labels, tumour), len(extents))
    return Volume(mask.astype(np.uint8), grid)


def _extents(plan: PatientPlan) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Lowest and highest LPS corner of each tumour, with room for its irregular surface and the neck's length."""
    tumours = [lesion for lesion in plan.lesions if lesion.name != "ReactiveNode"]
    middles = [plan.pose.to_scanner(np.asarray(lesion.center)) for lesion in tumours]
    reaches = [1.4 * plan.pose.scale * max(lesion.radii_mm) + 3.0 for lesion in tumours]
    return [(middle - reach, middle + reach) for middle, reach in zip(middles, reaches, strict=True)]


def _voxels(grid: Grid, low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[slice, slice, slice]:
    first = np.maximum(np.floor(grid.to_index_zyx(low)), 0).astype(int)
    last = np.minimum(np.ceil(grid.to_index_zyx(high)), np.asarray(grid.shape_zyx) - 1).astype(int)
    z, y, x = (slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    return z, y, x


def _largest(mask: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """The ``count`` largest connected parts."""
    parts, found = ndimage.label(mask, np.ones((3, 3, 3)))
    if found <= count:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    return np.isin(parts, 1 + np.argsort(-sizes, kind="stable")[:count])
