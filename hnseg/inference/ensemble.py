"""Several trained networks that answer as one: the mean of their probabilities, and how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any, Unpack

from torch import Tensor

from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.options import Hardware
from hnseg.inference.runner import Runner
from hnseg.inference.settings import Mode, Tta
from hnseg.prepare.recipe import Recipe
from hnseg.types import Clicks

Progress = Callable[[int, int], None]


class Ensemble:
    """Networks of one task and one recipe, each built once, whose probabilities are averaged.

    Networks of several recipes are several ensembles; see `by_recipe` and `hnseg.inference.mixture`.

    The arithmetic mean of probability maps is that of Iantsen et al. 2021 (doi:10.1007/978-3-030-67194-5_4) for eight
    networks. A label is where the mean is above the threshold; thresholds that were tuned a network are averaged too.

    Args:
        checkpoints: at least one; one alone is an ensemble of one.
        mode: one pass or windows for all, instead of what each checkpoint says.
        tta: mirror images or none for all, instead of what each checkpoint says.
        hardware: see `Hardware`.

    Raises:
        ValueError: no checkpoints, or two that outline other structures or want other images.
    """

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        *,
        mode: Mode | None = None,
        tta: Tta | None = None,
        **hardware: Unpack[Hardware],
    ) -> None:
        if not checkpoints:
            raise ValueError("an ensemble needs at least one checkpoint")
        first = checkpoints[0]
        for other in checkpoints[1:]:
            _refuse_different(first, other, _channels_and_voxels)
        self.labels, self.recipe = first.labels, first.recipe
        self.paths = tuple(checkpoint.path for checkpoint in checkpoints)
        self.threshold = fmean(checkpoint.threshold for checkpoint in checkpoints)
        self.phantom = any(checkpoint.phantom for checkpoint in checkpoints)
        said: dict[str, Any] = {key: value for key, value in {"mode": mode, "tta": tta}.items() if value is not None}
        self.runners = tuple(
            Runner(
                checkpoint.build_network().to(hardware.get("device", "cpu")),
                checkpoint.labels,
                checkpoint.normalization,
                replace(checkpoint.inference, **said),
                whole_up_to_zyx=checkpoint.recipe.box_shape_zyx,
                clicks=checkpoint.clicks,
                **hardware,
            )
            for checkpoint in checkpoints
        )

    def __len__(self) -> int:
        return len(self.runners)

    def __call__(self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None) -> Tensor:
        """Mean probabilities (channels, Z, Y, X) of an image (C, Z, Y, X) in HU and SUV.

        ``clicks``, in voxels of the image, reach those networks that take any, each in its own encoding.
        """
        mean = self.runners[0](image, progress, clicks)
        for count, runner in enumerate(self.runners[1:], start=2):
            _update(mean, runner(image, progress, clicks), count)
        return mean

    def slabs(self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None) -> Iterator[Tensor]:
        """What calling an ensemble of one gives, a slab of slices at a time; see `Runner.slabs`."""
        assert len(self) == 1, "the mean of several networks takes all of their maps"
        return self.runners[0].slabs(image, progress, clicks)

    def mean_and_sd(
        self, image: Tensor, progress: Progress | None = None, clicks: Clicks | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the networks' probabilities, each (channels, Z, Y, X) float32.

        The mean is that of calling the ensemble. The deviation is the population's (the squares are divided by the
        number of networks, not by one less): the networks are all there are, not a sample. It lies in [0, 0.5] and is
        0 where all networks say the same, or where there is one only.

        One pass, one map more than for the mean alone, however many networks: Welford 1962,
        doi:10.1080/00401706.1962.10490022. A sum of squares would lose the small deviations of sure
        networks in float32.
        """
        mean = self.runners[0](image, progress, clicks)
        squares = mean.new_zeros(mean.shape)
        for count, runner in enumerate(self.runners[1:], start=2):
            difference = _update(mean, runner(image, progress, clicks), count)
            squares.addcmul_(difference, difference, value=(count - 1) / count)
        return mean, squares.div_(len(self)).sqrt_()


def _update(mean: Tensor, answer: Tensor, count: int) -> Tensor:
    """Let the mean of ``count - 1`` maps become that of ``count``, in place; ``answer`` becomes what it was apart."""
    difference = answer.sub_(mean)
    mean.add_(difference, alpha=1 / count)
    return difference


def by_recipe(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    """Checkpoints that may be averaged, those of one recipe together.

    Raises:
        ValueError: no checkpoints, or two that outline other structures, or whose channels mean something else.
    """
    if not checkpoints:
        raise ValueError("a prediction needs at least one checkpoint")
    groups: dict[Recipe, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        _refuse_different(checkpoints[0], checkpoint, _channels)
        groups.setdefault(checkpoint.recipe, []).append(checkpoint)
    return list(groups.values())


def _refuse_different(
    first: Checkpoint, other: Checkpoint, meaning: Callable[[Checkpoint], Mapping[str, object]]
) -> None:
    ours, theirs = meaning(first), meaning(other)
    different = [f"{key}: {ours[key]!r} and {theirs[key]!r}" for key in ours if ours[key] != theirs[key]]
    if different:
        raise ValueError(
            f"{first.path} and {other.path} cannot be averaged, they differ in {'; '.join(different)}; "
            f"predict with each alone"
        )


def _channels(checkpoint: Checkpoint) -> dict[str, object]:
    """What must be the same for a channel to mean the same."""
    return {"labels": checkpoint.labels.names, "activation": checkpoint.labels.activation}


def _channels_and_voxels(checkpoint: Checkpoint) -> dict[str, object]:
    """What must be the same for a channel and a voxel to mean the same."""
    return {**_channels(checkpoint), **asdict(checkpoint.recipe)}
