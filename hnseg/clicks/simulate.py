"""Clicks as somebody would make them who knows the truth, or only thinks so.

Centres, random voxels and the robot user are taken from the truth: what a network gains by them is an upper bound.
:func:`displaced` and :func:`wrong_place` are what a hand and a misunderstanding make of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry.components import label_components, largest_component
from hnseg.geometry.crop import bounding_slices, tight_crop
from hnseg.types import Clicks

SpacingMm = tuple[float, ...]

_DIRECTIONS_TRIED = 64
_AWAY_MM = 10.0


def centre_clicks(label: NDArray[Any], spacing_mm: SpacingMm) -> Clicks:
    """A click on the centre of mass of every component of every structure (Rainio et al. 2024, section 2.2).

    Each coordinate is rounded, halves to the even one, as in the authors' code; the voxel need not lie inside.

    Args:
        label: (*s) label map of d axes, 2 or 3. Components are 8- or 26-connected.
        spacing_mm: of the d axes.

    Returns:
        Clicks by structure, and within one by the components' scan order.
    """
    found = components_of(label)
    return clicks_at([(value, centre_of(voxels)) for value, voxels in found], spacing_mm)


def random_clicks(label: NDArray[Any], spacing_mm: SpacingMm, rng: np.random.Generator) -> Clicks:
    """As :func:`centre_clicks`, but on a voxel of the component, each as likely as the others."""
    found = components_of(label)
    return clicks_at([(value, voxels[rng.integers(len(voxels))]) for value, voxels in found], spacing_mm)


def robot_click(
    prediction: NDArray[Any], target: NDArray[Any], spacing_mm: SpacingMm, negatives: bool = True
) -> Clicks:
    """What a user would click next: the middle of the largest error.

    Errors of every kind count: missed, too much, and one structure for another. Of the connected error with most voxels
    (8 or 26 neighbours; the first in scan order among equals) it is the voxel furthest from its border, in mm,
    again the first among equals. The edge of the image counts as border, except along an axis of one voxel.

    Args:
        prediction: (*s) label map; structures that nobody outlined in this patient must be background in it.
        target: (*s) label map of the truth.
        spacing_mm: of the axes.
        negatives: whether a click can say that there is nothing. Where it cannot, only errors on a structure of
            ``target`` are looked at.

    Returns:
        One click, with the value of ``target`` there; none where there is no error.
    """
    assert prediction.shape == target.shape, f"{prediction.shape} and {target.shape}"
    wrong = prediction != target
    if not negatives:
        wrong &= target != 0
    part, start = tight_crop(wrong)
    if part.size == 0:
        return Clicks.none(spacing_mm)
    error, inner = tight_crop(largest_component(part))
    border = [(int(n > 1), int(n > 1)) for n in wrong.shape]
    depth_mm = ndimage.distance_transform_edt(np.pad(error, border), sampling=spacing_mm)
    deepest = np.unravel_index(int(np.argmax(depth_mm)), depth_mm.shape)
    voxel = np.add(deepest, start) + inner - [before for before, _ in border]
    return clicks_at([(int(target[tuple(voxel)]), voxel)], spacing_mm)


def displaced(clicks: Clicks, distance_mm: float, rng: np.random.Generator, shape: tuple[int, ...]) -> Clicks:
    """The clicks of an imprecise hand: each moved by ``distance_mm`` in a direction drawn from ``rng``.

    Directions are evenly distributed over those that stay within the image's voxel centres; an axis of one voxel is not
    moved along. Where the image is too small for any, the click is moved as far as the image reaches. Positions are
    fractional: an encoding shows them in the nearest voxel.

    Args:
        clicks: on an image of ``shape``.
        distance_mm: 0 or more.
    """
    assert distance_mm >= 0, f"distance_mm {distance_mm}"
    highest = np.asarray(shape, float) - 1
    moved = np.empty_like(clicks.index)
    for number, at in enumerate(clicks.index):
        directions = rng.standard_normal((_DIRECTIONS_TRIED, len(shape))) * (highest > 0)
        directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), np.finfo(float).tiny)
        tried = at + directions * distance_mm / np.asarray(clicks.spacing_mm)
        inside = np.all((tried >= 0) & (tried <= highest), axis=1)
        moved[number] = np.clip(tried[int(np.argmax(inside))], 0, highest)
    return Clicks(moved, clicks.values, clicks.spacing_mm)


def wrong_place(image: NDArray[Any], label: NDArray[Any], spacing_mm: SpacingMm) -> Clicks:
    """A click for the first structure on what a hurried user takes for it: brain, tonsil, bladder.

    Args:
        image: (C, *s), the modalities; the last one decides (the PET of PET/CT).
        label: (*s) label map.
        spacing_mm: of the axes.

    Returns:
        One click on the hottest voxel that is at least 10 mm from every structure, the first in scan order among
        equals; none where no voxel is.
    """
    allowed = ~_within(np.asarray(label) != 0, _AWAY_MM, spacing_mm)
    if not allowed.any():
        return Clicks.none(spacing_mm)
    heat = np.where(allowed, np.asarray(image)[-1].astype(np.float64), -np.inf)
    return clicks_at([(1, np.array(np.unravel_index(int(np.argmax(heat)), heat.shape)))], spacing_mm)


def components_of(label: NDArray[Any]) -> list[tuple[int, NDArray[np.int64]]]:
    """(value, voxels (m, d) in scan order) of every 8- or 26-connected component, by structure, then in scan order."""
    window = bounding_slices(label)
    if window is None:
        return []
    start, part = [s.start for s in window], label[window]
    found: list[tuple[int, NDArray[np.int64]]] = []
    values = np.flatnonzero(np.bincount(part.ravel()))
    for value in values[values > 0]:
        numbers, _ = label_components(part == value)
        inside = numbers > 0
        voxels, number = np.argwhere(inside) + start, numbers[inside]
        ends = np.cumsum(np.bincount(number)[1:])[:-1]
        found += [(int(value), own) for own in np.split(voxels[np.argsort(number, kind="stable")], ends)]
    return found


def centre_of(voxels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Centre of mass (d,) of voxels (m, d), rounded half to even. Sums of integers, so a half is exactly one."""
    return np.asarray(np.rint(voxels.sum(axis=0) / len(voxels)))


def clicks_at(placed: Sequence[tuple[int, NDArray[Any]]], spacing_mm: SpacingMm) -> Clicks:
    """Clicks of these values at these indices (d,)."""
    index = np.array([at for _, at in placed], float).reshape(-1, len(spacing_mm))
    return Clicks(index, np.array([value for value, _ in placed], np.uint8), spacing_mm)


def _within(mask: NDArray[np.bool_], distance_mm: float, spacing_mm: SpacingMm) -> NDArray[np.bool_]:
    """Voxels closer than ``distance_mm`` to the mask, itself included; only a box round it is computed."""
    near = np.zeros(mask.shape, np.bool_)
    window = bounding_slices(mask)
    if window is None:
        return near
    margins = [int(np.ceil(distance_mm / spacing)) for spacing in spacing_mm]
    box = tuple(slice(max(s.start - m, 0), s.stop + m) for s, m in zip(window, margins, strict=True))
    near[box] = ndimage.distance_transform_edt(~mask[box], sampling=spacing_mm) < distance_mm
    return near
