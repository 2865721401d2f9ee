"""Where head and neck are in a CT, found on the CT itself, whatever lies around them: air, couch, mask, arms, chest.

Zhu et al. 2018 (doi:10.1002/mp.13300, section 2.1) cut the chest away by hand. The rule here is hnseg's own; its
lengths were measured on the real scans of docs/datasets/public_oar.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry import largest_component
from hnseg.prepare.axial import axial
from hnseg.prepare.recipe import RegionNotFoundError
from hnseg.types import Grid, Volume

COARSE_MM = 4.0
"""Voxels are left out until they are about this large: a head is found as well, a hundred times as fast."""
BODY_HU = -300.0
"""Between skin and the foam of a couch."""
SHOULDER_MM = 240.0
"""Wider than a head in its mask, narrower than shoulders."""
SUSTAINED_MM = 15.0
"""So much of a scan must be as wide as shoulders to be some, where no lungs say it and the scan goes on below."""
LUNG_CM2 = 60.0
"""Air within the body that must be lung: nose, sinuses and throat had 33 cm2 in one slice at most."""
ABOVE_LUNGS_MM = 120.0
"""No shoulder lies higher above the lungs (27 to 88 mm were seen); what is as wide there are arms beside a head."""
LEAST_ML = 50.0
"""Less tissue is no head or neck."""

_NOTHING = np.zeros((3, 3), bool)
_PLANE_CROSS = np.stack([_NOTHING, ndimage.generate_binary_structure(2, 1), _NOTHING])
_WHOLE_PLANE = np.stack([_NOTHING, ~_NOTHING, _NOTHING])
"""Neighbours in a slice: those that share a face, and all."""


class NoBodyFoundError(RegionNotFoundError):
    """Nothing in the CT looks like a head or a neck."""


@dataclass(frozen=True, eq=False)
class HeadNeck:
    """Where head and neck were found.

    Attributes:
        corners_mm: (8, 3) LPS corners (x, y, z), voxel edges included, of the box in the CT's own axes that holds all
            above the shoulders.
        has_shoulders: whether the scan goes on below.
    """

    corners_mm: NDArray[np.float64]
    has_shoulders: bool


def find_head_neck(ct: Volume) -> HeadNeck:
    """Head and neck, from the shoulders' top to the vertex or to the ends of the scan.

    Tissue is opened in plane, so that masks and couches fall off; its largest component is the body. Shoulders begin
    where the body, followed upwards from the lungs, gets as narrow as a neck; without lungs in the scan, where it gets
    wide on the way down from its top. From there the neck is followed upwards by what overlaps from slice to slice,
    which leaves raised arms out. Positions are measured in the patient: the order and direction of the array axes do
    not matter.

    Args:
        ct: HU.

    Raises:
        NoBodyFoundError: there is no tissue, or none above the shoulders.
    """
    thin = _thinned(axial(ct))
    tissue = thin.array > BODY_HU
    body = _body(tissue)
    pieces, _ = ndimage.label(body, _WHOLE_PLANE)
    shoulder = _shoulder(body, tissue, pieces, thin.grid)
    head = _followed_up(pieces, 0 if shoulder is None else shoulder + 1)
    volume_ml = float(head.sum()) * thin.grid.voxel_volume_mm3 / 1000
    if volume_ml < LEAST_ML:
        where = "" if shoulder is None else " above the shoulders"
        raise NoBodyFoundError(
            f"no head or neck was found in the CT: {volume_ml:.0f} ml of tissue{where} above {BODY_HU:g} HU"
        )
    return HeadNeck(_corners_mm(head, thin.grid), shoulder is not None)


def _thinned(ct: Volume) -> Volume:
    """Every n-th voxel along each axis."""
    step_z, step_y, step_x = (max(1, int(COARSE_MM / spacing)) for spacing in ct.spacing_mm)
    array = ct.array[::step_z, ::step_y, ::step_x]
    dz, dy, dx = ct.spacing_mm
    return Volume(array, Grid(array.shape, (dz * step_z, dy * step_y, dx * step_x), ct.origin_mm, ct.direction))


def _body(tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of tissue, without what is thinner than three voxels in plane."""
    core = ndimage.binary_erosion(tissue, _PLANE_CROSS, border_value=1)
    return largest_component(ndimage.binary_dilation(core, _PLANE_CROSS), 1)


def _shoulder(body: NDArray[np.bool_], tissue: NDArray[np.bool_], pieces: NDArray[np.int32], grid: Grid) -> int | None:
    """The highest slice through shoulders, None where the scan ends above them."""
    dz, dy, dx = grid.spacing_mm
    wide = _widths(pieces, len(body)) * dx > SHOULDER_MM
    air_cm2 = _enclosed_air(body, tissue) * dy * dx / 100
    lungs = np.flatnonzero(air_cm2 > LUNG_CM2)
    if lungs.size:
        lowest, highest = int(lungs[-1]), min(int(lungs[-1] + ABOVE_LUNGS_MM / dz), len(body) - 1)
        narrow = np.flatnonzero(~wide[lowest : highest + 1])
        return lowest + int(narrow[0]) - 1 if narrow.size else highest
    return _highest_wide(wide, int(np.flatnonzero(body.any(axis=(1, 2)))[0]), dz) if body.any() else None


def _highest_wide(wide: NDArray[np.bool_], lowest: int, dz_mm: float) -> int | None:
    """The top of the highest run of wide slices that is long enough, or that begins where the body does."""
    runs, _ = ndimage.label(wide)
    long_enough = [run for run in set(runs[wide].tolist()) if (runs == run).sum() * dz_mm >= SUSTAINED_MM]
    shoulders = np.flatnonzero(np.isin(runs, [*long_enough, runs[lowest]]) & wide)
    return int(shoulders[-1]) if shoulders.size else None


def _widths(pieces: NDArray[np.int32], slices: int) -> NDArray[np.int64]:
    """Columns that the widest piece of each slice spans."""
    widths = np.zeros(slices, np.int64)
    for found in ndimage.find_objects(pieces):
        z, _, columns = found
        widths[z.start] = max(widths[z.start], columns.stop - columns.start)
    return widths


def _enclosed_air(body: NDArray[np.bool_], tissue: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of each slice that the body encloses and that are no tissue."""
    outside, _ = ndimage.label(~body, _PLANE_CROSS)
    at_edge = np.zeros(outside.max() + 1, bool)
    for edge in (outside[:, 0], outside[:, -1], outside[:, :, 0], outside[:, :, -1]):
        at_edge[edge] = True
    enclosed = ~at_edge[outside] & ~tissue
    return np.asarray(enclosed.sum(axis=(1, 2)), np.int64)


def _followed_up(pieces: NDArray[np.int32], start: int) -> NDArray[np.bool_]:
    """What overlaps from slice to slice, upwards from the middle of the first slice at or above ``start`` with a body.

    Raised arms stand on both sides of a neck, so its piece is the one in the middle third of the body.
    """
    head = np.zeros(pieces.shape, bool)
    below: NDArray[np.bool_] | None = None
    for z in range(start, len(pieces)):
        plane = pieces[z]
        if below is None and plane.any():
            below = _middle_third(plane > 0)
        if below is None:
            continue
        overlaps = np.bincount(plane[below])
        if overlaps[1:].sum() == 0:
            break
        below = plane == 1 + int(overlaps[1:].argmax())
        head[z] = below
    return head


def _middle_third(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    columns = np.flatnonzero(plane.any(axis=0))
    low, high = int(columns[0]), int(columns[-1]) + 1
    third = (high - low) // 3
    middle = np.zeros_like(plane)
    middle[:, low + third : high - third] = True
    return middle


def _corners_mm(head: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    spans = [np.flatnonzero(head.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    edges = [(span[0] - 0.5, span[-1] + 0.5) for span in spans]
    return grid.to_lps_mm(np.array(np.meshgrid(*edges, indexing="ij")).reshape(3, -1).T)
