"""Which part of the patient is kept: a published box, one derived from PET or CT, a fixed crop, or the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hnseg.geometry import image_box
from hnseg.prepare.body import body_box, head_neck_box
from hnseg.prepare.brain import brain_box
from hnseg.prepare.jain2020 import jain2020_grid
from hnseg.prepare.recipe import Recipe, RegionNotFoundError
from hnseg.types import BoxMm, Volume

_SEEN_IN = {"brain": "pt", "body": "ct", "head_neck": "ct"}
"""The modality that a region is found in; any other region lies in the recipe's first."""

_NAMES = {"ct": "CT", "pt": "PET"}
_FOUND = {
    "brain": "from the brain in the {}",
    "body": "around head and neck in the {}",
    "head_neck": "head and neck in the {}",
    "jain2020": "the voxels of Jain and Virtanen of the {}",
    "rainio2024": "all slices of the {}",
    "image": "the whole {}",
}


def choose_box(images: Mapping[str, Volume], published: BoxMm | None, recipe: Recipe) -> tuple[BoxMm, tuple[str, ...]]:
    """The box of a patient by the first of ``recipe.regions`` that applies, and notes on how it was found.

    Raises:
        ValueError: no region applies, or the published box lies outside the image.
    """
    notes: list[str] = []
    for region in recipe.regions:
        if region == "published" and published is not None:
            return _published(published, images, recipe), (*notes, "box: published")
        if region == "published":
            notes.append("no published box")
            continue
        modality = _SEEN_IN.get(region, recipe.modalities[0])
        if modality not in images:
            notes.append(f"no {_NAMES.get(modality, modality.upper())} to find the {region.replace('_', ' and ')} in")
            continue
        try:
            box = _derived(region, images[modality], recipe)
        except RegionNotFoundError as error:
            notes.append(str(error))
            continue
        how = _FOUND[region].format(_NAMES.get(modality, modality.upper()))
        return box, (*notes, f"box: {how}, {_describe(box)}")
    raise ValueError(f"{'; '.join(notes)}; add the patient to a box CSV or put 'image' among the recipe's regions")


def resize_box(box: BoxMm, size_mm: tuple[float, float, float]) -> BoxMm:
    """A box of ``size_mm`` (z, y, x) with the same centre."""
    centre = (np.asarray(box.low_mm) + np.asarray(box.high_mm)) / 2
    half = np.asarray(size_mm[::-1]) / 2
    return BoxMm(tuple((centre - half).tolist()), tuple((centre + half).tolist()), box.source)


def intersection_ml(box: BoxMm, other: BoxMm) -> float:
    """Volume that two boxes share."""
    low, high = np.maximum(box.low_mm, other.low_mm), np.minimum(box.high_mm, other.high_mm)
    return float(np.prod(np.clip(high - low, 0, None))) / 1000


def _published(published: BoxMm, images: Mapping[str, Volume], recipe: Recipe) -> BoxMm:
    outside = [name for name in recipe.modalities if intersection_ml(published, image_box(images[name].grid)) == 0]
    if outside:
        raise ValueError(
            f"the published box ({_describe(published)}) lies outside the {' and '.join(outside).upper()}; its CSV "
            "must hold LPS millimetres (x to the left, y to posterior, z to superior); correct it or take 'published' "
            "out of the recipe's regions"
        )
    if recipe.variant == "code" or recipe.full_box_mm is None:
        return published
    return resize_box(published, recipe.full_box_mm)


def _derived(region: str, image: Volume, recipe: Recipe) -> BoxMm:
    """The box of a region that is found in an image.

    Raises:
        RegionNotFoundError: the image does not show what the region needs.
    """
    if region == "brain":
        assert recipe.full_box_mm is not None
        return brain_box(image, recipe.full_box_mm)
    if region == "body":
        assert recipe.box_size_mm is not None
        return body_box(image, recipe.box_size_mm)
    if region == "head_neck":
        return head_neck_box(image)
    if region == "jain2020":
        return replace(image_box(jain2020_grid(image.grid)), source=region)
    assert region in ("rainio2024", "image"), region
    return replace(image_box(image.grid), source=region)


def _describe(box: BoxMm) -> str:
    spans = (f"{axis} {low:.1f} to {high:.1f}" for axis, low, high in zip("xyz", box.low_mm, box.high_mm, strict=True))
    return ", ".join(spans) + " mm"
