"""Several trained networks that answer as one: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from statistics import fmean

import torch
from torch import Tensor

from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.runner import Precision, Runner, Tta
from hnseg.inference.settings import Mode


class Ensemble:
    """Networks of one task, each built once, whose probabilities are averaged.

    The arithmetic mean of probability maps is that of Iantsen et al. 2021 (doi:10.1007/978-3-030-67194-5_4) for eight
    networks. A label is where the mean is above the threshold; thresholds that were tuned a network are averaged too.

    Args:
        checkpoints: at least one; one alone is an ensemble of one.
        device: where the networks stay.
        precision: see `Runner`.
        tta: see `Runner`.
        mode: one pass or windows for all, instead of what each checkpoint says.
        batch_size: windows in one call.

    Raises:
        ValueError: no checkpoints, or two that outline other structures or want other images.
    """

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        device: torch.device | str = "cpu",
        precision: Precision = "32",
        tta: Tta = "none",
        mode: Mode | None = None,
        batch_size: int = 1,
    ) -> None:
        if not checkpoints:
            raise ValueError("an ensemble needs at least one checkpoint")
        first = checkpoints[0]
        for other in checkpoints[1:]:
            _refuse_different(first, other)
        self.labels, self.recipe = first.labels, first.recipe
        self.paths = tuple(checkpoint.path for checkpoint in checkpoints)
        self.threshold = fmean(checkpoint.threshold for checkpoint in checkpoints)
        self.phantom = any(checkpoint.phantom for checkpoint in checkpoints)
        self.runners = tuple(
            Runner(
                checkpoint.build_network().to(device),
                checkpoint.labels,
                checkpoint.normalization,
                replace(checkpoint.inference, mode=mode) if mode else checkpoint.inference,
                whole_up_to_zyx=checkpoint.recipe.box_shape_zyx,
                device=device,
                precision=precision,
                tta=tta,
                batch_size=batch_size,
            )
            for checkpoint in checkpoints
        )

    def __len__(self) -> int:
        return len(self.runners)

    def __call__(self, image: Tensor, progress: Callable[[int, int], None] | None = None) -> Tensor:
        """Mean probabilities (channels, Z, Y, X) of an image (C, Z, Y, X) in HU and SUV."""
        mean = self.runners[0](image, progress)
        for runner in self.runners[1:]:
            mean += runner(image, progress)
        return mean.div_(len(self.runners))


def _refuse_different(first: Checkpoint, other: Checkpoint) -> None:
    """Networks can only be averaged where channel and voxel mean the same in both."""
    ours = {"labels": first.labels.names, "activation": first.labels.activation, **asdict(first.recipe)}
    theirs = {"labels": other.labels.names, "activation": other.labels.activation, **asdict(other.recipe)}
    different = [f"{key}: {ours[key]!r} and {theirs[key]!r}" for key in ours if ours[key] != theirs[key]]
    if different:
        raise ValueError(
            f"{first.path} and {other.path} cannot be averaged, they differ in {'; '.join(different)}; "
            f"predict with each alone"
        )
