"""From a patient's images to a mask on the patient's own grid, with nothing to choose but checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from hnseg.inference.chains import carried_chain
from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.ensemble import Ensemble
from hnseg.inference.options import Options
from hnseg.inference.outline import outline
from hnseg.inference.patient_grid import probabilities_on_patient_grid
from hnseg.inference.uncertainty import uncertainty
from hnseg.postprocess import Postprocess, Scene
from hnseg.prepare.box import choose_box
from hnseg.prepare.images import prepare_images, stack
from hnseg.types import BoxMm, Grid, Prediction, Volume

Progress = Callable[[int, int], None]


class Predictor:
    """Applies one trained network, or the mean of several, to patients as they come.

    Search region, spacing, normalisation, threshold and post-processing are those that the checkpoints carry, through
    the code that prepared the training cases. Networks are built once, here.

    Args:
        checkpoints: of the same task; see `Ensemble`.
        postprocess: a chain instead of what the checkpoints carry; one without steps leaves the networks' answer as
            it is.
        options: see `Options`.

    Raises:
        ValueError: checkpoints that do not belong together or that carry different chains, or a chain that names
            structures which the networks do not outline.
    """

    def __init__(
        self, checkpoints: Sequence[Checkpoint], *, postprocess: Postprocess | None = None, **options: Unpack[Options]
    ) -> None:
        self.ensemble = Ensemble(checkpoints, **options)
        self.labels, self.recipe = self.ensemble.labels, self.ensemble.recipe
        self.threshold, self.phantom = self.ensemble.threshold, self.ensemble.phantom
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

        Args:
            images: modality to volume, CT in HU and PET in SUV, each on its own grid.
            case_id: the patient's name.
            box: published search region, if there is one.
            save_probabilities: whether to return a probability volume a structure as well, and of several networks
                one of their standard deviation. They are the networks' own, before any post-processing, so that they
                say what the networks know; the mask is what is left after it.
            progress: called with (windows done, windows in all).

        Returns:
            A mask on the grid of the recipe's first modality (the CT of a PET/CT), and notes on the region searched.

        Raises:
            ValueError: a modality is missing, no search region is found, the networks' answer is not finite, or a
                step of post-processing cannot work with these images.
        """
        missing = [modality for modality in self.recipe.modalities if modality not in images]
        if missing:
            raise ValueError(
                f"{case_id} has no {' and no '.join(missing)}; the network needs {list(self.recipe.modalities)}"
            )
        region, notes = choose_box(images, box, self.recipe)
        arrays, grid = prepare_images(images, self.recipe, region)
        scene = Scene(torch.from_numpy(stack(arrays, self.recipe)), self.recipe.modalities, grid.spacing_mm)
        image_grid, names = images[self.recipe.modalities[0]].grid, self.labels.names
        mean, sd = self._answer(scene.image, case_id, progress)
        mask = outline(mean, scene, grid, image_grid, self.labels, self.threshold, self.postprocess)
        apart = {} if sd is None else uncertainty(mean, sd, self.labels, self.threshold)
        if not save_probabilities:
            return Prediction(case_id, mask, names, uncertainty=apart, notes=notes)
        maps = probabilities_on_patient_grid(mean, grid, image_grid, self.labels)
        sds = {} if sd is None else probabilities_on_patient_grid(sd, grid, image_grid, self.labels)
        return Prediction(case_id, mask, names, maps, sds, apart, notes)

    def predict_prepared(self, image: Tensor, progress: Progress | None = None) -> Tensor:
        """Mean probabilities (channels, Z, Y, X) of a prepared image (C, Z, Y, X), in HU and SUV, on the same grid."""
        return self.ensemble(image, progress)

    def _answer(self, image: Tensor, case_id: str, progress: Progress | None) -> tuple[Tensor, Tensor | None]:
        """Mean and, of several networks, standard deviation of the probabilities of a prepared image."""
        several = len(self.ensemble) > 1
        mean, sd = self.ensemble.mean_and_sd(image, progress) if several else (self.ensemble(image, progress), None)
        if not bool(torch.isfinite(mean.sum(dtype=torch.float64))):
            raise ValueError(f"the network's answer for {case_id} is not finite; predict with precision=32")
        return mean, sd
