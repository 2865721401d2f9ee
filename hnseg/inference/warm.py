"""Networks that have seen a patient already, and are asked again with other clicks: only what changes is computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from hnseg.clicks import on_grid
from hnseg.inference.outline import outline
from hnseg.inference.patient import Patient, Prepared
from hnseg.inference.patient_grid import decode_again, to_patient_grid
from hnseg.inference.predictor import Predictor, all_finite
from hnseg.types import Click, Clicks, Volume

Made = list[tuple[int, float, float]]
"""Value, y and x of clicks in one slice."""


class WarmPatient:
    """Probabilities and mask of one patient for the clicks of the last call, from which those of the next are made.

    In memory are the prepared images, (channels, Z, Y, X) float32 probabilities and a mask on the patient's grid.

    Args:
        predictor: networks of one recipe.
        patient: the images, and where the mask is wanted.
        seen: the patient as the networks' recipe has it.
    """

    def __init__(self, predictor: Predictor, patient: Patient, seen: Prepared) -> None:
        self.predictor, self.patient, self.seen = predictor, patient, seen
        runners, shape = predictor.groups[0].runners, seen.grid.shape_zyx
        self._heeds_clicks = any(runner.clicks.channels for runner in runners)
        # a slice alone may be small enough for one pass where the volume is not, and must not be treated otherwise
        self._by_slices = all(
            runner.flat and runner.in_one_pass(shape) == runner.in_one_pass((1, *shape[1:])) for runner in runners
        )
        self._clicks = Clicks.none(seen.grid.spacing_mm)
        self._probabilities = self._predicted(seen.scene.image, self._clicks)
        self._mask = self._decoded()

    def outline(self, clicks: Sequence[Click]) -> Volume:
        """The mask that a cold prediction with these clicks gives (without any, one without), a new one each time.

        Raises:
            ValueError: the answer is not finite, or a step of post-processing cannot work with these images.
        """
        how = self.predictor.labels, self.predictor.threshold
        chain, image_grid = self.predictor.postprocess, self.patient.grid
        self._show(on_grid(clicks, self.seen.grid, self.predictor.labels.names))
        if chain.refines:
            return outline(
                self._probabilities, self.seen.scene, self.seen.grid, image_grid, *how, chain, clicks or None
            )
        # before the first click nobody has said which pieces are wanted, and all are shown
        placed = on_grid(clicks, image_grid, self.predictor.labels.names) if clicks else None
        return chain.clean(Volume(self._mask.array.copy(), image_grid), self.predictor.labels, placed)

    def _show(self, clicks: Clicks) -> None:
        """Let the networks see clicks, if they look at any, wherever these are others than before."""
        if not self._heeds_clicks:
            return
        before, now = (_slice_by_slice(c, self.seen.grid.shape_zyx[0]) for c in (self._clicks, clicks))
        changed = [z for z in sorted({*before, *now}) if before.get(z) != now.get(z)]
        if self._by_slices:
            image = self.seen.scene.image
            slabs = [self._predicted(image[:, z : z + 1], self._in_slice(now.get(z, []))) for z in changed]
            for z, slab in zip(changed, slabs, strict=True):
                self._probabilities[:, z : z + 1] = slab
            if not self.predictor.postprocess.refines:
                labels, threshold = self.predictor.labels, self.predictor.threshold
                decode_again(self._mask, self._probabilities, self.seen.grid, changed, labels, threshold)
        elif changed:
            self._probabilities = self._predicted(self.seen.scene.image, clicks)
            self._mask = self._decoded()
        self._clicks = clicks

    def _predicted(self, image: Tensor, clicks: Clicks) -> Tensor:
        probabilities = self.predictor.predict_prepared(image, clicks=clicks)
        return next(all_finite(iter([probabilities]), self.patient.case_id))

    def _in_slice(self, made: Made) -> Clicks:
        """Clicks in the only slice of an image."""
        index = np.array([(0.0, y, x) for _, y, x in made]).reshape(-1, 3)
        return Clicks(index, np.array([value for value, _, _ in made], np.uint8), self.seen.grid.spacing_mm)

    def _decoded(self) -> Volume:
        """The mask before post-processing; empty where a chain makes another from the probabilities each time."""
        if self.predictor.postprocess.refines:
            return Volume(np.zeros(self.patient.grid.shape_zyx, np.uint8), self.patient.grid)
        labels, threshold = self.predictor.labels, self.predictor.threshold
        return to_patient_grid(self._probabilities, self.seen.grid, self.patient.grid, labels, threshold)


def _slice_by_slice(clicks: Clicks, depth: int) -> dict[int, Made]:
    """The clicks in each slice that has any; the slice is that of the nearest voxel, as the networks are shown it."""
    slices: dict[int, Made] = defaultdict(list)
    for (z, y, x), value in zip(clicks.index.tolist(), clicks.values.tolist(), strict=True):
        slices[min(max(round(z), 0), depth - 1)].append((value, y, x))
    return dict(slices)
