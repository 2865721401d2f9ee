"""What answers clicks: a network, and beside it a share of the maximum of the PET, which nobody had to train."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.inference.click_units import Unit
from hnseg.labels import LabelSet
from hnseg.models.hot_region import hot_regions
from hnseg.prepare import Case
from hnseg.types import Clicks

PET = "pt"


@dataclass(frozen=True, eq=False)
class Answer:
    """A label map (*s) uint8 of a unit, and its share of the seconds that the method took for all units at once."""

    mask: NDArray[np.uint8]
    seconds: float


class Method(Protocol):
    """Units of one case and the clicks on each, to an answer each; ``negatives``: whether negative clicks count."""

    name: str
    negatives: bool

    def __call__(self, case: Case, units: Sequence[Unit], clicks: Sequence[Clicks]) -> list[Answer]: ...


class ClickPredictor(Protocol):
    """What is needed of a :class:`hnseg.inference.Predictor`."""

    labels: LabelSet
    threshold: float

    def predict_prepared(self, image: Tensor, *, clicks: Clicks | None = None) -> Tensor: ...


class NetworkMethod:
    """A network, as it answers before any post-processing.

    Slices of a case are shown to a 2-D network together, as a volume of them; it sees each by itself.

    Args:
        predictor: of one recipe.
        negatives: whether it has a channel for negative clicks.
    """

    name = "network"

    def __init__(self, predictor: ClickPredictor, negatives: bool) -> None:
        self.predictor, self.negatives = predictor, negatives

    def __call__(self, case: Case, units: Sequence[Unit], clicks: Sequence[Clicks]) -> list[Answer]:
        if not units:
            return []
        if units[0].slice is None:
            return [self._ask(case, unit.image, made)[0] for unit, made in zip(units, clicks, strict=True)]
        return self._ask(case, np.stack([unit.image for unit in units], axis=1), _stacked(case, clicks), len(units))

    def _ask(self, case: Case, image: NDArray[np.float32], clicks: Clicks, slices: int | None = None) -> list[Answer]:
        """The answer for a volume, or for each of its slices."""
        began = time.perf_counter()
        probabilities = self.predictor.predict_prepared(torch.from_numpy(image), clicks=clicks)
        labels, annotated = self.predictor.labels, torch.tensor([case.annotated])
        mask = labels.decode(probabilities[None].float().cpu(), self.predictor.threshold, annotated)[0].numpy()
        seconds = time.perf_counter() - began
        return [Answer(mask, seconds)] if slices is None else [Answer(of_one, seconds / slices) for of_one in mask]


class ThresholdMethod:
    """41 % of the maximum near each click on the PET, :func:`hnseg.models.hot_region.hot_regions` as it is by default.

    It gets the clicks that the network gets, negative ones where that has a channel for them; without a click it
    outlines nothing.
    """

    name = "pet_threshold"

    def __init__(self, negatives: bool) -> None:
        self.negatives = negatives

    def __call__(self, case: Case, units: Sequence[Unit], clicks: Sequence[Clicks]) -> list[Answer]:
        pet, answers = case.modalities.index(PET), []
        for unit, made in zip(units, clicks, strict=True):
            began = time.perf_counter()
            mask = hot_regions(unit.image[pet], made)
            answers.append(Answer(mask, time.perf_counter() - began))
        return answers


def _stacked(case: Case, clicks: Sequence[Clicks]) -> Clicks:
    """Clicks on slices as clicks on the volume of these slices."""
    index = [np.insert(made.index, 0, place, axis=1) for place, made in enumerate(clicks)]
    return Clicks(np.concatenate(index), np.concatenate([made.values for made in clicks]), case.grid.spacing_mm)
