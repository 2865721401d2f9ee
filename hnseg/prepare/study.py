"""One raw study into the arrays and the description of a prepared case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import box_contains, image_box
from hnseg.prepare.authors import crop_then_resample_mask
from hnseg.prepare.box import choose_box, intersection_ml
from hnseg.prepare.case import Case
from hnseg.prepare.images import prepare_images, read_images
from hnseg.prepare.masks import label_map, read_masks
from hnseg.prepare.rainio2024 import REGION as SLICES
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.slice_masks import slice_label_map
from hnseg.prepare.suv import suv_complaint
from hnseg.types import BoxMm, Grid, Study, Volume

FULL_COVERAGE = 0.99


@dataclass(frozen=True, eq=False)
class PreparedStudy:
    """What `write_case` needs: the description, arrays on the case's grid, and the truth on the patient's own."""

    case: Case
    images: Mapping[str, NDArray[Any]]
    label: NDArray[np.uint8]
    truth: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        """What the arrays take on disk; the truth is compressed away to little."""
        return sum(array.nbytes for array in self.images.values()) + self.label.nbytes


def prepare_study(study: Study, recipe: Recipe, key: str = "") -> PreparedStudy:
    """Reads a study's files, checks them and brings them to a case's grid.

    Raises:
        ValueError: a file is missing, unreadable or does not belong; the sentence names it and what to do.
    """
    images = read_images(study.images, recipe.modalities)
    image_grid = images[recipe.modalities[0]].grid
    masks = read_masks(study, recipe.label_names, image_grid, recipe.allow_empty)
    box, notes = choose_box(images, study.box, recipe)
    notes += tuple(_coverage_notes(images, recipe, box))
    if "pt" in images and (complaint := suv_complaint(images["pt"], images.get("ct"))):
        notes += (f"{study.images['pt']} cannot be SUV: {complaint}",)
    arrays, grid = prepare_images(images, recipe, box)
    label = _label(masks, recipe, grid, box, image_grid)
    truth = label_map(masks, recipe.label_names, image_grid)
    notes += tuple(_mask_notes(study, masks, label, grid, recipe))
    case = Case(
        folder=Path(),
        case_id=study.case_id,
        centre=study.centre,
        part=study.part,
        modalities=recipe.modalities,
        label_names=recipe.label_names,
        annotated=tuple(name in masks for name in recipe.label_names),
        grid=grid,
        image_grid=image_grid,
        box=box,
        phantom=study.phantom,
        notes=notes,
        sources=_sources(study, recipe),
        key=key,
        patient=study.patient,
    )
    return PreparedStudy(case, arrays, label, truth)


def outside_ml(mask: Volume, box: BoxMm) -> float:
    """Volume of a bool mask whose voxel centres lie outside a box."""
    outside = ~box_contains(box, mask.grid.to_lps_mm(np.argwhere(mask.array)))
    return float(outside.sum()) * mask.grid.voxel_volume_mm3 / 1000


def _label(masks: Mapping[str, Volume], recipe: Recipe, grid: Grid, box: BoxMm, image_grid: Grid) -> NDArray[np.uint8]:
    if box.source == SLICES:
        return slice_label_map(masks, recipe, image_grid)
    if recipe.variant == "paper":
        return label_map(masks, recipe.label_names, grid)
    labels = np.zeros(grid.shape_zyx, np.uint8)
    for value, name in enumerate(recipe.label_names, start=1):
        if name in masks:
            labels[crop_then_resample_mask(masks[name], grid, box)] = value
    return labels


def _coverage_notes(images: Mapping[str, Volume], recipe: Recipe, box: BoxMm) -> list[str]:
    """A note where an image lacks some of the box."""
    notes = []
    for name in recipe.modalities:
        share = intersection_ml(box, image_box(images[name].grid)) / intersection_ml(box, box)
        if share < FULL_COVERAGE:
            notes.append(f"{name.upper()} covers {share:.0%} of the box")
    return notes


def _mask_notes(
    study: Study, masks: Mapping[str, Volume], label: NDArray[np.uint8], grid: Grid, recipe: Recipe
) -> list[str]:
    """Raises where nothing of an annotated structure is left in the box; a note where some is lost."""
    notes = []
    kept = image_box(grid)
    for value, name in enumerate(recipe.label_names, start=1):
        if name not in masks:
            notes.append(f"{name} is not annotated")
            continue
        volume_ml = float(masks[name].array.sum()) * masks[name].grid.voxel_volume_mm3 / 1000
        if volume_ml == 0:
            notes.append(f"{study.masks[name][0]} has no voxel of {name}")
            continue
        lost_ml = outside_ml(masks[name], kept)
        kept_voxels = bool((label == value).any())
        if not kept_voxels and not recipe.allow_empty:
            raise ValueError(
                f"{study.masks[name][0]} has {volume_ml:.2f} ml of {name}, expected some of it in the prepared "
                f"part of the patient, but "
                f"none is there; {_remedy(recipe)}"
            )
        if not kept_voxels and lost_ml < volume_ml:
            notes.append(f"{name} ({volume_ml:.2f} ml) has no voxel at the prepared spacing")
        if lost_ml > 0:
            notes.append(f"{lost_ml:.2f} of {volume_ml:.2f} ml of {name} lie outside the box")
    return notes


def _remedy(recipe: Recipe) -> str:
    """What brings a structure back that is lost on the way to the prepared grid."""
    if recipe.slice_size_yx is not None:
        return "make the recipe's slice_size_yx larger, or set allow_empty to keep the patient without it"
    return "give the patient's box in a CSV, or set the recipe's regions to [image], or its spacing_mm finer"


def _sources(study: Study, recipe: Recipe) -> dict[str, str]:
    images = {name: str(study.images[name]) for name in recipe.modalities}
    return images | {name: str(study.masks[name][0]) for name in recipe.label_names if name in study.masks}
