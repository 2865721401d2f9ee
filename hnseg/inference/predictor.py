"""From a patient's images to a mask on the patient's own grid, with nothing to choose but checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from hnseg.inference.chains import carried_chain
from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.click_door import refuse_unwanted
from hnseg.inference.ensemble import Ensemble, by_recipe
from hnseg.inference.mixture import Answer, Mixture
from hnseg.inference.options import Options
from hnseg.inference.outline import outline
from hnseg.inference.patient import Patient, Prepared
from hnseg.inference.patient_grid import probabilities_on_patient_grid, slabs_to_patient_grid
from hnseg.inference.uncertainty import uncertainty
from hnseg.io.clicks import FileClick
from hnseg.postprocess import Postprocess, Scene
from hnseg.types import BoxMm, Click, Clicks, Grid, Prediction, Volume

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
        self.click_channels = tuple(checkpoint.clicks for checkpoint in checkpoints)
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
        clicks: Sequence[Click] | None = None,
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
            clicks: on what is looked for, or beside it; networks that take clicks see them, and so does a click filter.
                None: nobody was asked for any; an empty one: somebody was, and made none.

        Returns:
            A mask on the grid of the first recipe's first modality (the CT of a PET/CT), and notes on the region
            searched.

        Raises:
            ValueError: a modality is missing, no search region is found, the networks' answer is not finite, a step
                of post-processing cannot work with these images, or a click is of no use: nothing looks at it, its
                structure is unknown, or it lies outside the image, the body or the region searched.
        """
        patient = self.patient_of(images, case_id, box, progress, clicks)
        if len(self.groups) > 1:
            return self._by_unlike(patient, save_probabilities)
        if len(self.paths) == 1 and not save_probabilities and not self.postprocess.refines:
            return self._by_slabs(patient)
        return self._by_like(patient, save_probabilities)

    def predict_prepared(self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None) -> Tensor:
        """Mean probabilities (channels, Z, Y, X) of a prepared image (C, Z, Y, X), in HU and SUV, on the same grid.

        ``clicks`` are in voxels of that image.
        """
        assert len(self.groups) == 1, "an image is prepared by one recipe"
        return self.groups[0](image, progress, clicks)

    def patient_of(
        self,
        images: Mapping[str, Volume],
        case_id: str,
        box: BoxMm | None = None,
        progress: Progress | None = None,
        clicks: Sequence[Click] | None = None,
    ) -> Patient:
        """What `predict` is given, where it can be worked with; see there for what is refused."""
        missing = [modality for modality in self.modalities if modality not in images]
        if missing:
            raise ValueError(f"{case_id} has no {' and no '.join(missing)}; the network needs {list(self.modalities)}")
        grid = images[self.modalities[0]].grid
        patient = Patient(images, case_id, box, grid, self.labels.names, progress, clicks)
        self.refuse_unwanted(clicks or ())
        patient.door.refuse_wrong(clicks or ())
        return patient

    def refuse_unwanted(self, clicks: Sequence[Click | FileClick]) -> None:
        """Raises ValueError where neither networks nor chain would look at these clicks; see `click_door`."""
        refuse_unwanted(clicks, self.click_channels, self.postprocess)

    def _by_slabs(self, patient: Patient) -> Prediction:
        group = self.groups[0]
        seen = patient.prepared(group.recipe)
        slabs = group.slabs(seen.scene.image, patient.progress, seen.clicks)
        mask = slabs_to_patient_grid(
            all_finite(slabs, patient.case_id), seen.grid, patient.grid, self.labels, self.threshold
        )
        mask = self.postprocess.clean(mask, self.labels, patient.clicks_on(patient.grid))
        return Prediction(patient.case_id, mask, self.labels.names, notes=seen.notes)

    def _by_like(self, patient: Patient, save_probabilities: bool) -> Prediction:
        seen = patient.prepared(self.groups[0].recipe)
        mean, sd = _answer(self.groups[0], seen, patient)
        mask = self._outline(mean, seen.scene, seen.grid, patient)
        apart = {} if sd is None else uncertainty(mean, sd, self.labels, self.threshold)
        if not save_probabilities:
            return Prediction(patient.case_id, mask, self.labels.names, uncertainty=apart, notes=seen.notes)
        maps = probabilities_on_patient_grid(mean, seen.grid, patient.grid, self.labels)
        sds = {} if sd is None else probabilities_on_patient_grid(sd, seen.grid, patient.grid, self.labels)
        return Prediction(patient.case_id, mask, self.labels.names, maps, sds, apart, seen.notes)

    def _by_unlike(self, patient: Patient, save_probabilities: bool) -> Prediction:
        answers: list[Answer] = []
        notes: list[str] = []
        for group in self.groups:
            seen = patient.prepared(group.recipe)
            answers.append(Answer(*_answer(group, seen, patient), seen.grid, len(group)))
            at = " x ".join(f"{width:g}" for width in group.recipe.spacing_mm)
            notes += [f"at {at} mm: {note}" for note in seen.notes]
        mixture = Mixture(answers, patient.grid, self.labels)
        mask, apart = mixture.outline(self.threshold)
        if self.postprocess.refines and mixture.part is not None:
            mean, grid = mixture.common(mixture.part)
            mask = self._outline(mean, patient.scene_on(grid, self.modalities), grid, patient)
        else:
            mask = self.postprocess.clean(mask, self.labels, patient.clicks_on(patient.grid))
        maps, sds = mixture.probabilities() if save_probabilities else ({}, {})
        return Prediction(patient.case_id, mask, self.labels.names, maps, sds, apart, tuple(notes))

    def _outline(self, mean: Tensor, scene: Scene, grid: Grid, patient: Patient) -> Volume:
        how = (self.labels, self.threshold, self.postprocess, patient.clicks)
        return outline(mean, scene, grid, patient.grid, *how)


def _answer(group: Ensemble, seen: Prepared, patient: Patient) -> tuple[Tensor, Tensor | None]:
    """Mean and, of several networks, standard deviation of the probabilities of a prepared image."""
    shown = (seen.scene.image, patient.progress, seen.clicks)
    mean, sd = group.mean_and_sd(*shown) if len(group) > 1 else (group(*shown), None)
    next(all_finite(iter([mean]), patient.case_id))
    return mean, sd


def all_finite(slabs: Iterator[Tensor], case_id: str) -> Iterator[Tensor]:
    """The same slabs; raises ValueError at one that is not finite."""
    for slab in slabs:
        if not bool(torch.isfinite(slab.sum())):  # probabilities never overflow; another type would copy all of them
            raise ValueError(f"the network's answer for {case_id} is not finite; predict with precision=32")
        yield slab
