"""Torch data sets over prepared cases: samples to train on, and whole cases to validate, test and predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from hnseg.augment import SidedAugment
from hnseg.clicks import ClickChannels, NoClicks
from hnseg.data.sampling import Position, sample_rng, visit_order
from hnseg.data.views import EverySliceView, ForegroundVoxels, View
from hnseg.prepare import Case
from hnseg.types import Batch

Augment = Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]


class TrainingSamples(Dataset[dict[str, Any]]):
    """Sample ``(epoch, index)``: a view of a case, augmented; a pure function of ``(seed, epoch, index)``.

    Clicks are drawn on what is left of a structure after augmentation, and stand behind the modalities. An epoch goes
    through all that the view visits of every case ``samples_per_case`` times, in an order of its own.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        view: View,
        augment: Augment,
        seed: int,
        samples_per_case: int = 1,
        clicks: ClickChannels | NoClicks | None = None,
    ) -> None:
        self.cases, self.view, self.augment, self.seed = tuple(cases), view, augment, seed
        self.samples_per_case, self.clicks = samples_per_case, clicks or NoClicks()
        self._visits = [(case, visit) for case in self.cases for visit in view.visits(case)]
        self._voxels = ForegroundVoxels()

    def __len__(self) -> int:
        return len(self._visits) * self.samples_per_case

    def draw(self, position: Position) -> tuple[Case, Tensor, Tensor]:
        """The case, image and label map of a sample as the view sees it, before augmentation."""
        return self._draw(position, sample_rng(self.seed, *position))

    def _draw(self, position: Position, rng: np.random.Generator) -> tuple[Case, Tensor, Tensor]:
        epoch, index = position
        case, visit = self._visits[visit_order(self.seed, epoch, len(self._visits))[index % len(self._visits)]]
        drawn, outlined = self.view.sample(case, visit, self._voxels, rng)
        return case, torch.from_numpy(drawn), torch.from_numpy(outlined)

    def __getitem__(self, position: Position) -> dict[str, Any]:
        rng = sample_rng(self.seed, *position)
        case, drawn, outlined = self._draw(position, rng)
        annotated = torch.tensor(case.annotated)
        if isinstance(self.augment, SidedAugment):  # a mirrored left organ is a right one, its annotation, too
            image, label, annotated = self.augment.with_flags(drawn, outlined, annotated, rng)
        else:
            image, label = self.augment(drawn, outlined, rng)
        spacing_mm = case.grid.spacing_mm[-label.ndim :]
        clicks = self.clicks.draw(label.numpy(), rng, image=image.numpy(), spacing_mm=spacing_mm)
        return {
            "image": torch.cat([image, self.clicks.encode(clicks, tuple(label.shape))]),
            "target": label.contiguous(),
            "annotated": annotated,
            "case_id": case.case_id,
            "index": position,
            "spacing_mm": torch.tensor(spacing_mm, dtype=torch.float64),
        }


def collate(samples: list[dict[str, Any]]) -> Batch:
    """Samples of one size to a :class:`Batch`.

    In a loader process torch's own collation stacks straight into shared memory; what a plain ``torch.stack`` gives
    would be copied there once more.
    """
    return Batch(
        image=default_collate([s["image"] for s in samples]),
        target=default_collate([s["target"] for s in samples]),
        annotated=default_collate([s["annotated"] for s in samples]),
        case_id=[s["case_id"] for s in samples],
        index=[s["index"] for s in samples],
        spacing_mm=default_collate([s["spacing_mm"] for s in samples]),
    )


class WholeCases(Dataset[dict[str, Any]]):
    """Every case once, whole, in HU and SUV; ``folder`` leads to what else is known of it.

    Args:
        cases: prepared ones.
        scored: whose slices alone are scored, where not all are: ``slices`` are their numbers.
    """

    def __init__(self, cases: Sequence[Case], scored: EverySliceView | None = None) -> None:
        self.cases, self.scored = tuple(cases), scored

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> dict[str, Any]:
        case = self.cases[index]
        image, label = case.crop((0, 0, 0), case.grid.shape_zyx)
        return {
            "image": torch.from_numpy(image),
            "target": torch.from_numpy(label),
            "annotated": torch.tensor(case.annotated),
            "case_id": case.case_id,
            "folder": str(case.folder),
            "spacing_mm": case.grid.spacing_mm,
            "slices": slice(None) if self.scored is None else self.scored.slices(case),
        }
