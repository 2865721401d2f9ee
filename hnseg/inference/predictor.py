"""From a patient's images to a mask on the patient's own grid, with nothing to choose but checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from hnseg.geometry import resample
from hnseg.inference.chains import carried_chain
from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.ensemble import Ensemble, by_recipe
from hnseg.inference.mixture import Answer, Mixture
from hnseg.inference.options import Options
from hnseg.inference.outline import outline
from hnseg.inference.patient_grid import probabilities_on_patient_grid, slabs_to_patient_grid
from hnseg.inference.uncertainty import uncertainty
from hnseg.postprocess import Postprocess, Scene
from hnseg.prepare.box import choose_box
from hnseg.prepare.images import compact, prepare_images, stack
from hnseg.prepare.recipe import FILL
from hnseg.types import BoxMm, Grid, Prediction, Volume

Progress = Callable[[int, int], None]


class Predictor:
    """Applies one trained network, or the mean of several, to patients as they come.

    Search region, spacing, normalisation, threshold and post-processing are those that the checkpoints carry, through
    the code that prepared the training cases. Networks are built once, here. Networks of unlike recipes, such as 2-D
    and 3-D ones, are averaged on the patient's own grid; see `Mixture`.

    Args:
        checkpoints: of the same structures; see `by_recipe`.
        postprocess: a chain instead of what the checkpoints carry; one without steps leaves the networks' answer as
            it is.
        options: see `Options`.

    Raises:
        ValueError: no checkpoints, such that do not belong together or that carry different chains, or a chain that
            names structures which the networks do not outline.
    """

    def __init__(
        self, checkpoints: Sequence[Checkpoint], *, postprocess: Postprocess | None = None, **options: Unpack[Options]
    ) -> None:
        self.groups = tuple(Ensemble(group, **options) for group in by_recipe(checkpoints))
        self.labels = self.groups[0].labels
        self.paths = tuple(checkpoint.path for checkpoint in checkpoints)
        self.modalities = tuple(dict.fromkeys(name for group in self.groups for name in group.recipe.modalities))
        self.threshold = fmean(checkpoint.threshold for checkpoint in checkpoints)
        self.phantom = any(checkpoint.phantom for checkpoint in checkpoints)
        self.postprocess = carried_chain(checkpoints) if postprocess is None else postprocess
        # an unknown structure is refused here, and not after the first patient went through the networks
        self.postprocess.clean(Volume(np.zeros((1, 1, 1), np.uint8), Grid((1, 1, 1), (1.0, 1.0, 1.0))), self.labels)

    def predict(
        self,
        images: Mapping[str, Volume],
        case_id: str,
        box: BoxMm | None = None,
        save_probabilities: bool = False,
        progress: Progress | None = None,
    ) -> Prediction:
        """Outline the structures in one patient.

        One network alone, with no probabilities to save and no chain that refines them, is outlined while it walks over
        the image: its probabilities are never in memory all at once.

        Args:
            images: modality to volume, CT in HU and PET in SUV, each on its own grid.
            case_id: the patient's name.
            box: published search region, if there is one.
            save_probabilities: whether to return a probability volume a structure as well, and of several networks
                one of their standard deviation. They are the networks' own, before any post-processing, so that they
                say what the networks know; the mask is what is left after it.
            progress: called with (windows done, windows in all).

        Returns:
            A mask on the grid of the first recipe's first modality (the CT of a PET/CT), and notes on the region
            searched.

        Raises:
            ValueError: a modality is missing, no search region is found, the networks' answer is not finite, or a
                step of post-processing cannot work with these images.
        """
        missing = [modality for modality in self.modalities if modality not in images]
        if missing:
            raise ValueError(f"{case_id} has no {' and no '.join(missing)}; the network needs {list(self.modalities)}")
        patient = _Patient(images, case_id, box, images[self.modalities[0]].grid, progress)
        if len(self.groups) > 1:
            return self._by_unlike(patient, save_probabilities)
        if len(self.paths) == 1 and not save_probabilities and not self.postprocess.refines:
            return self._by_slabs(patient)
        return self._by_like(patient, save_probabilities)

    def predict_prepared(self, image: Tensor, progress: Progress | None = None) -> Tensor:
        """Mean probabilities (channels, Z, Y, X) of a prepared image (C, Z, Y, X), in HU and SUV, on the same grid."""
        assert len(self.groups) == 1, "an image is prepared by one recipe"
        return self.groups[0](image, progress)

    def _by_slabs(self, patient: _Patient) -> Prediction:
        scene, grid, notes = patient.prepared(self.groups[0])
        slabs = _all_finite(self.groups[0].slabs(scene.image, patient.progress), patient.case_id)
        mask = slabs_to_patient_grid(slabs, grid, patient.grid, self.labels, self.threshold)
        mask = self.postprocess.clean(mask, self.labels)
        return Prediction(patient.case_id, mask, self.labels.names, notes=notes)

    def _by_like(self, patient: _Patient, save_probabilities: bool) -> Prediction:
        scene, grid, notes = patient.prepared(self.groups[0])
        mean, sd = _answer(self.groups[0], scene.image, patient)
        mask = outline(mean, scene, grid, patient.grid, self.labels, self.threshold, self.postprocess)
        apart = {} if sd is None else uncertainty(mean, sd, self.labels, self.threshold)
        if not save_probabilities:
            return Prediction(patient.case_id, mask, self.labels.names, uncertainty=apart, notes=notes)
        maps = probabilities_on_patient_grid(mean, grid, patient.grid, self.labels)
        sds = {} if sd is None else probabilities_on_patient_grid(sd, grid, patient.grid, self.labels)
        return Prediction(patient.case_id, mask, self.labels.names, maps, sds, apart, notes)

    def _by_unlike(self, patient: _Patient, save_probabilities: bool) -> Prediction:
        answers: list[Answer] = []
        notes: list[str] = []
        for group in self.groups:
            scene, grid, said = patient.prepared(group)
            answers.append(Answer(*_answer(group, scene.image, patient), grid, len(group)))
            notes += [f"at {' x '.join(f'{width:g}' for width in group.recipe.spacing_mm)} mm: {note}" for note in said]
        mixture = Mixture(answers, patient.grid, self.labels)
        mask, apart = mixture.outline(self.threshold)
        if self.postprocess.refines and mixture.part is not None:
            mean, grid = mixture.common(mixture.part)
            scene = patient.scene_on(grid, self.modalities)
            mask = outline(mean, scene, grid, patient.grid, self.labels, self.threshold, self.postprocess)
        else:
            mask = self.postprocess.clean(mask, self.labels)
        maps, sds = mixture.probabilities() if save_probabilities else ({}, {})
        return Prediction(patient.case_id, mask, self.labels.names, maps, sds, apart, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Patient:
    """What is known of a patient, and what networks get to see of it; ``grid`` is where the mask is wanted."""

    images: Mapping[str, Volume]
    case_id: str
    box: BoxMm | None
    grid: Grid
    progress: Progress | None

    def prepared(self, group: Ensemble) -> tuple[Scene, Grid, tuple[str, ...]]:
        """The images as the group's recipe has them, their grid, and notes on the region."""
        recipe = group.recipe
        region, notes = choose_box(self.images, self.box, recipe)
        arrays, grid = prepare_images(self.images, recipe, region)
        return Scene(torch.from_numpy(stack(arrays, recipe)), recipe.modalities, grid.spacing_mm), grid, notes

    def scene_on(self, grid: Grid, modalities: tuple[str, ...]) -> Scene:
        """The images on a grid that no recipe has."""
        arrays = [
            compact(name, resample(self.images[name], grid, "linear", FILL.get(name, 0.0)).array).astype(np.float32)
            for name in modalities
        ]
        return Scene(torch.from_numpy(np.stack(arrays)), modalities, grid.spacing_mm)


def _answer(group: Ensemble, image: Tensor, patient: _Patient) -> tuple[Tensor, Tensor | None]:
    """Mean and, of several networks, standard deviation of the probabilities of a prepared image."""
    several = len(group) > 1
    mean, sd = group.mean_and_sd(image, patient.progress) if several else (group(image, patient.progress), None)
    next(_all_finite(iter([mean]), patient.case_id))
    return mean, sd


def _all_finite(slabs: Iterator[Tensor], case_id: str) -> Iterator[Tensor]:
    for slab in slabs:
        if not bool(torch.isfinite(slab.sum())):  # probabilities never overflow; another type would copy all of them
            raise ValueError(f"the network's answer for {case_id} is not finite; predict with precision=32")
        yield slab
