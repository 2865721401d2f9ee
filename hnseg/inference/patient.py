"""One patient at the door of prediction: images and clicks, and what networks get to see of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from hnseg.clicks import on_grid
from hnseg.geometry import resample
from hnseg.inference.click_door import ClickDoor
from hnseg.postprocess import Scene
from hnseg.prepare.box import choose_box
from hnseg.prepare.images import compact, prepare_images, stack
from hnseg.prepare.recipe import FILL, Recipe
from hnseg.types import BoxMm, Click, Clicks, Grid, Volume

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What networks of one recipe see of a patient.

    Attributes:
        scene: the images on ``grid``.
        grid: where the prepared voxels lie.
        notes: on the region.
        clicks: in voxels of ``grid``; None: nobody was asked for any.
    """

    scene: Scene
    grid: Grid
    notes: tuple[str, ...]
    clicks: Clicks | None


@dataclass(frozen=True, eq=False)
class Patient:
    """What is known of a patient.

    Attributes:
        images: modality to volume, HU and SUV.
        case_id: the patient's name.
        box: published search region, if any.
        grid: where the mask is wanted.
        names: structures that are outlined.
        progress: called with (windows done, windows in all).
        clicks: None: nobody was asked for any.
    """

    images: Mapping[str, Volume]
    case_id: str
    box: BoxMm | None
    grid: Grid
    names: tuple[str, ...]
    progress: Progress | None = None
    clicks: Sequence[Click] | None = None

    @cached_property
    def door(self) -> ClickDoor:
        """Where clicks on this patient are looked at first."""
        return ClickDoor(self.case_id, self.images, self.grid, self.names)

    def prepared(self, recipe: Recipe) -> Prepared:
        """The images as a recipe has them, and the clicks on them.

        Raises:
            ValueError: no search region is found, or a click lies outside it.
        """
        region, notes = choose_box(self.images, self.box, recipe)
        arrays, grid = prepare_images(self.images, recipe, region)
        self.door.refuse_unseen(self.clicks or (), grid)
        scene = Scene(torch.from_numpy(stack(arrays, recipe)), recipe.modalities, grid.spacing_mm)
        return Prepared(scene, grid, notes, self.clicks_on(grid))

    def clicks_on(self, grid: Grid) -> Clicks | None:
        """The clicks in voxels of any grid; None where nobody was asked for any."""
        return None if self.clicks is None else on_grid(self.clicks, grid, self.names)

    def scene_on(self, grid: Grid, modalities: tuple[str, ...]) -> Scene:
        """The images on a grid that no recipe has."""
        arrays = [
            compact(name, resample(self.images[name], grid, "linear", FILL.get(name, 0.0)).array).astype(np.float32)
            for name in modalities
        ]
        return Scene(torch.from_numpy(np.stack(arrays)), modalities, grid.spacing_mm)
