"""Networks of unlike recipes as one: each answers on the grid prepared for it, the patient's own grid is common to all.

A 2-D and a 3-D network see other voxels of another part of the patient. Their probabilities meet at the voxels of the
patient's image, to which each map is interpolated once, a slab at a time: there is no grid between, and no map of all
channels on the patient's grid, which takes 3 GB for ten classes of 512 x 512 x 300.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.geometry import resample
from hnseg.inference.parts import Part, as_slices, covered_part, cut_into_slabs, union
from hnseg.inference.patient_grid import decode
from hnseg.labels import LabelSet
from hnseg.types import Grid, Volume

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answer:
    """What the networks of one recipe say about a patient.

    Attributes:
        mean: (channels, Z, Y, X) float32 probabilities on ``grid``.
        sd: their population standard deviation between the networks, in the same form; None of one network alone.
        grid: of the images that were prepared for these networks.
        networks: how many they are.
    """

    mean: Tensor
    sd: Tensor | None
    grid: Grid
    networks: int


class Mixture:
    """The mean over all networks of several recipes, on the patient's own grid.

    Every network counts once, so an answer counts as often as it has networks. Outside the region that was prepared for
    it a network says background, as it does alone: the mean of several is then the mean of what each leaves as
    probabilities, without a seam, and what one of two networks sees where the other does not look stays at one half at
    most, and is not outlined at the usual threshold.

    The variance is that of all networks: within each recipe, interpolated, and between recipes, n_i (m_i - m)^2.

    Args:
        answers: one a recipe.
        image_grid: of the patient's image.
        labels: what the channels stand for, the same in all.
    """

    def __init__(self, answers: Sequence[Answer], image_grid: Grid, labels: LabelSet) -> None:
        self.answers, self.image_grid, self.labels = tuple(answers), image_grid, labels
        covered = [covered_part(answer.grid, image_grid) for answer in answers]
        self.part = union([part for part in covered if part is not None])
        self.networks = sum(answer.networks for answer in answers)

    def outline(self, threshold: float) -> tuple[Volume, dict[str, float | None]]:
        """The label map, and how far the networks are apart in each structure's voxels (see `uncertainty`)."""
        mask = np.zeros(self.image_grid.shape_zyx, np.uint8)
        sums, counts = np.zeros(len(self.labels.names)), np.zeros(len(self.labels.names), int)
        for part in cut_into_slabs(self.part):
            means, sds = zip(*self._channels(part), strict=True)
            inside = mask[as_slices(part)]
            decode(iter(means), inside, self.labels, threshold)
            for place, sd in enumerate(sds[-len(self.labels.names) :]):
                apart = sd[inside == place + 1]
                sums[place] += apart.sum(dtype=np.float64)
                counts[place] += apart.size
        found = zip(self.labels.names, sums, counts, strict=True)
        return Volume(mask, self.image_grid), {name: float(s / n) if n else None for name, s, n in found}

    def probabilities(self) -> tuple[dict[str, Volume], dict[str, Volume]]:
        """Each structure's mean and standard deviation, float32, on the patient's image grid."""
        names = self.labels.names
        means, sds = ({name: np.zeros(self.image_grid.shape_zyx, np.float32) for name in names} for _ in range(2))
        for part in cut_into_slabs(self.part):
            for name, (mean, sd) in zip(names, list(self._channels(part))[-len(names) :], strict=True):
                means[name][as_slices(part)], sds[name][as_slices(part)] = mean, sd
        on_grid = ({name: Volume(array, self.image_grid) for name, array in maps.items()} for maps in (means, sds))
        return next(on_grid), next(on_grid)

    def common(self, part: Part) -> tuple[Tensor, Grid]:
        """The mean (channels, Z, Y, X) in a block of the patient's grid, all of it at once, for what refines it."""
        mean = torch.empty((self.labels.channels, *part[1]))
        for slab in cut_into_slabs(part):
            first = slab[0][0] - part[0][0]
            for channel, (values, _) in zip(mean, self._channels(slab), strict=True):
                channel[first : first + slab[1][0]] = torch.from_numpy(values)
        return mean, self.image_grid.crop(*part)

    def _channels(self, part: Part) -> Iterator[tuple[Floats, Floats]]:
        """Mean and standard deviation of each channel in a block of the patient's grid."""
        target = self.image_grid.crop(*part)
        for channel in range(self.labels.channels):
            outside = float(self.labels.activation == "softmax" and channel == 0)
            maps = [self._on(target, answer.mean[channel], answer.grid, outside) for answer in self.answers]
            shares = [answer.networks / self.networks for answer in self.answers]
            mean = sum((share * values for share, values in zip(shares, maps, strict=True)), np.float32(0))
            variance = np.zeros(part[1], np.float32)
            for answer, share, values in zip(self.answers, shares, maps, strict=True):
                variance += share * np.square(values - mean)
                if answer.sd is not None:
                    variance += share * np.square(self._on(target, answer.sd[channel], answer.grid, 0.0))
            yield np.asarray(mean, np.float32), np.sqrt(variance)

    def _on(self, target: Grid, channel: Tensor, grid: Grid, outside: float) -> Floats:
        values: Floats = resample(Volume(channel.numpy(), grid), target, "linear", outside).array
        return values
