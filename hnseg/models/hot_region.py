"""The hot region round a click in a PET: what clinics outline without a network."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hnseg.models.hot_walk import component_at, walked
from hnseg.types import Clicks

Method = Literal["share", "fixed", "random_walker"]
Mask = NDArray[np.bool_]
Voxels = NDArray[np.int64]
Box = tuple[slice, ...]
ROUNDING = 1e-6
"""Of a length, so that no voxel just as far away as asked for falls to floating point."""


def hot_regions(pet_suv: NDArray[Any], clicks: Clicks, **how: Any) -> NDArray[np.uint8]:
    """The label map that clicks on a PET mean: :func:`hot_region` of each structure that was clicked on.

    For a structure the clicks on others are negative ones. What two regions still share is that of the nearer click.

    Args:
        pet_suv: (*s).
        clicks: on that image.
        how: what else :func:`hot_region` takes.
    """
    label, spacing = np.zeros(pet_suv.shape, np.uint8), np.asarray(clicks.spacing_mm)
    for value in np.unique(clicks.values[clicks.values > 0]):
        own = clicks.values == value
        region = hot_region(pet_suv, clicks.index[own], clicks.spacing_mm, negatives=clicks.index[~own], **how)
        earlier = clicks.index[(clicks.values > 0) & (clicks.values < value)]
        shared = np.argwhere(region & (label > 0))
        lost = _far_mm(shared, earlier, spacing) <= _far_mm(shared, clicks.index[own], spacing)
        region[tuple(shared[lost].T)] = False
        label[region] = value
    return label


def hot_region(
    pet_suv: NDArray[Any],
    index: NDArray[Any],
    spacing_mm: tuple[float, ...],
    *,
    negatives: NDArray[Any] | None = None,
    method: Method = "share",
    share: float = 0.41,
    fixed_suv: float = 2.5,
    reach_mm: float = 30.0,
    snap_mm: float = 5.0,
) -> Mask:
    """The union over clicks of the hot region round each; nothing without a click.

    A click stands for the hottest voxel within ``snap_mm`` of it. Its region is that voxel's component (neighbours
    share at least a corner) of the voxels that are hot enough and at most ``reach_mm`` from the click. Where a negative
    click lies in a region, the region has leaked into something else: voxels nearer to that click than to any positive
    one are given up, and the region is sought again in what is left. A negative click anywhere else changes nothing.

    Args:
        pet_suv: (*s) of two or three axes, SUV (any unit does for a method other than ``fixed``).
        index: (n, d) positive clicks in voxels; each belongs to the voxel that holds it.
        spacing_mm: of the d axes.
        negatives: (m, d) negative clicks.
        method: ``share``: hot is a voxel with at least ``share`` of the SUV of the hottest one near the click, 41 % as
            in the guidelines of the EANM (Boellaard et al. 2015, doi:10.1007/s00259-014-2961-x). ``fixed``: with at
            least ``fixed_suv``. ``random_walker``: that from which a random walk sooner reaches the hottest voxels
            than cool ones (:mod:`hnseg.models.hot_walk`).
        share, fixed_suv: see above; 2.5 is the SUV that is most used.
        reach_mm, snap_mm: see above; both are our choice.

    Raises:
        ValueError: an unknown method, a share outside (0, 1], or another number that is not positive.
    """
    how = _How(method, share, fixed_suv, reach_mm, snap_mm)
    check_settings(*how)
    spacing, size = np.asarray(spacing_mm, float), np.asarray(pet_suv.shape)
    clicks = _voxels(index, size)
    others = _voxels(np.empty((0, size.size)) if negatives is None else negatives, size)
    region = np.zeros(pet_suv.shape, bool)
    for click in clicks:
        box, found = _region_of(click, clicks, others, pet_suv, spacing, how)
        region[box] |= found
    return region


def check_settings(method: str, share: float, fixed_suv: float, reach_mm: float, snap_mm: float) -> None:
    """Raise ValueError where the settings mean nothing."""
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is not known; use {', '.join(get_args(Method))}")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; a share of the hottest voxel is above 0 and at most 1, usually 0.41")
    for name, value in (("the fixed SUV", fixed_suv), ("reach_mm", reach_mm), ("snap_mm", snap_mm)):
        if not value > 0:
            raise ValueError(f"{name} is {value}; it must be positive")


class _How(NamedTuple):
    method: Method
    share: float
    fixed_suv: float
    reach_mm: float
    snap_mm: float


def _region_of(
    click: Voxels, clicks: Voxels, others: Voxels, pet_suv: NDArray[Any], spacing: NDArray[np.float64], how: _How
) -> tuple[Box, Mask]:
    """A box round one of the clicks, and its region within that."""
    box, far_mm = _around(click, how.reach_mm, spacing, np.asarray(pet_suv.shape))
    start, pet = np.array([part.start for part in box]), np.asarray(pet_suv[box], np.float32)
    allowed, near = (far_mm <= reach * (1 + ROUNDING) for reach in (how.reach_mm, how.snap_mm))
    found = _grown(pet, allowed, near, spacing, how)
    hits = [at for at in others - start if np.all((at >= 0) & (at < pet.shape)) and found[tuple(at)]]
    if hits:
        voxels = np.argwhere(allowed)  # not those found alone: a lower peak may bring in others
        leaked = _far_mm(voxels, np.array(hits), spacing) < _far_mm(voxels, clicks - start, spacing)
        allowed[tuple(voxels[leaked].T)] = False
        found = _grown(pet, allowed, near, spacing, how)
    return box, found


def _grown(pet: NDArray[np.float32], allowed: Mask, near: Mask, spacing: NDArray[np.float64], how: _How) -> Mask:
    """What belongs to the hottest of the voxels that are ``near``, among those ``allowed``."""
    peak = tuple(int(i) for i in np.unravel_index(np.argmax(np.where(allowed & near, pet, -np.inf)), pet.shape))
    if pet[peak] <= 0:  # air; a share of it would be everything
        return np.zeros_like(allowed)
    if how.method == "random_walker":
        return walked(pet, allowed, peak, tuple(spacing))
    return component_at(allowed & (pet >= (how.share * pet[peak] if how.method == "share" else how.fixed_suv)), peak)


def _voxels(index: NDArray[Any], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """The voxels (n, d) that hold positions (n, d) in an image of ``size``."""
    voxels = np.rint(np.asarray(index, float)).astype(np.int64).reshape(-1, size.size)
    assert np.all((voxels >= 0) & (voxels < size)), f"clicks {index} outside an image of {size}"
    return voxels


def _around(
    click: NDArray[np.int64], reach_mm: float, spacing: NDArray[np.float64], size: NDArray[np.int64]
) -> tuple[Box, NDArray[np.float64]]:
    """The voxels that are at most ``reach_mm`` away along every axis, and how far each is, mm."""
    reach = (reach_mm / spacing + ROUNDING).astype(int)
    low, high = np.maximum(click - reach, 0), np.minimum(click + reach + 1, size)
    axes = [(np.arange(a, b) - at) * step for a, b, at, step in zip(low, high, click, spacing, strict=True)]
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return box, np.sqrt(sum(np.ix_(*[axis**2 for axis in axes])))


def _far_mm(voxels: NDArray[Any], clicks: NDArray[Any], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each voxel (k, d) is from the nearest click (n, d); infinity without any."""
    if not len(voxels) or not len(clicks):
        return np.full(len(voxels), np.inf)
    return np.asarray(cKDTree(clicks * spacing).query(voxels * spacing)[0])
