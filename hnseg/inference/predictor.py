"""From a patient's images to a mask on the patient's own grid, with nothing to choose but checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

import torch
from torch import Tensor

from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.ensemble import Ensemble
from hnseg.inference.options import Options
from hnseg.inference.patient_grid import probabilities_on_patient_grid, to_patient_grid
from hnseg.prepare.box import choose_box
from hnseg.prepare.images import prepare_images, stack
from hnseg.types import BoxMm, Prediction, Volume


class Predictor:
    """Applies one trained network, or the mean of several, to patients as they come.

    Search region, spacing, normalisation and threshold are those that the checkpoints carry, through the code that
    prepared the training cases. Networks are built once, here.

    Args:
        checkpoints: of the same task; see `Ensemble`.
        options: see `Options`.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], **options: Unpack[Options]) -> None:
        self.ensemble = Ensemble(checkpoints, **options)
        self.labels, self.recipe = self.ensemble.labels, self.ensemble.recipe
        self.threshold, self.phantom = self.ensemble.threshold, self.ensemble.phantom

    def predict(
        self,
        images: Mapping[str, Volume],
        case_id: str,
        box: BoxMm | None = None,
        save_probabilities: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Prediction:
        """Outline the structures in one patient.

        Args:
            images: modality to volume, CT in HU and PET in SUV, each on its own grid.
            case_id: the patient's name.
            box: published search region, if there is one.
            save_probabilities: whether to return a probability volume a structure as well.
            progress: called with (windows done, windows in all).

        Returns:
            A mask on the grid of the recipe's first modality (the CT of a PET/CT), and notes on the region searched.

        Raises:
            ValueError: a modality is missing, no search region is found, or the network's answer is not finite.
        """
        missing = [modality for modality in self.recipe.modalities if modality not in images]
        if missing:
            raise ValueError(
                f"{case_id} has no {' and no '.join(missing)}; the network needs {list(self.recipe.modalities)}"
            )
        region, notes = choose_box(images, box, self.recipe)
        arrays, grid = prepare_images(images, self.recipe, region)
        probabilities = self.predict_prepared(torch.from_numpy(stack(arrays, self.recipe)), progress)
        if not bool(torch.isfinite(probabilities.sum(dtype=torch.float64))):
            raise ValueError(f"the network's answer for {case_id} is not finite; predict with precision=32")
        image_grid = images[self.recipe.modalities[0]].grid
        mask = to_patient_grid(probabilities, grid, image_grid, self.labels, self.ensemble.threshold)
        maps = probabilities_on_patient_grid(probabilities, grid, image_grid, self.labels) if save_probabilities else {}
        return Prediction(case_id, mask, self.labels.names, maps, notes)

    def predict_prepared(self, image: Tensor, progress: Callable[[int, int], None] | None = None) -> Tensor:
        """Probabilities (channels, Z, Y, X) of a prepared image (C, Z, Y, X), in HU and SUV, on the same grid."""
        return self.ensemble(image, progress)
