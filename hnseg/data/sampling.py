"""Sampling without state: what sample ``i`` of epoch ``e`` gets depends on ``(seed, e, i)`` and on nothing else.

So a result does not change with the number of workers or devices, and a run that was killed anywhere goes on with
exactly the samples that it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

Position: TypeAlias = tuple[int, int]
"""(epoch, index in that epoch): the name of one training sample."""


def sample_rng(seed: int, *counters: int) -> np.random.Generator:
    """A generator that is a pure function of its arguments.

    Philox is counter-based: neighbouring counters give independent streams (Salmon et al. 2011,
    doi:10.1145/2063384.2063405).
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *counters])))


@lru_cache(maxsize=4)
def visit_order(seed: int, epoch: int, visits: int) -> NDArray[np.int64]:
    """The order in which an epoch goes through its visits to cases: a permutation of ``range(visits)``."""
    return sample_rng(seed, epoch).permutation(visits)


class EpochBatchSampler(Sampler[list[Position]]):
    """Batches of ``(epoch, index)``, this process's share of each.

    A batch is the whole run's; it is split among the processes, so that two devices train the same experiment as
    one. The last batch of an epoch is filled up, and every batch has the same size.

    Args:
        samples: samples an epoch, over all processes.
        batch_size: samples a step, over all processes.
        epoch: asked at the start of every pass; a resumed run starts where its trainer is, not at 0.
        rank: this process.
        world_size: number of processes.

    Raises:
        ValueError: the batch cannot be divided among the processes.
    """

    def __init__(
        self, samples: int, batch_size: int, epoch: Callable[[], int], rank: int = 0, world_size: int = 1
    ) -> None:
        if batch_size % world_size:
            low = max(batch_size // world_size, 1) * world_size
            raise ValueError(
                f"batch_size={batch_size} cannot be divided among {world_size} devices; "
                f"use {low} or {low + world_size} (the batch size is that of the whole run)"
            )
        self.samples, self.batch_size, self.epoch = samples, batch_size, epoch
        self.rank, self.world_size = rank, world_size
        self.skip = 0

    def __len__(self) -> int:
        return math.ceil(self.samples / self.batch_size)

    def __iter__(self) -> Iterator[list[Position]]:
        first, self.skip, epoch = self.skip, 0, self.epoch()
        share = self.batch_size // self.world_size
        for batch in range(first, len(self)):
            start = batch * self.batch_size + self.rank * share
            yield [(epoch, index) for index in range(start, start + share)]


class ResumableLoader(DataLoader[Any]):
    """A loader whose place within the epoch goes into the checkpoint.

    Lightning asks for ``state_dict`` when it saves and calls ``load_state_dict`` when it resumes in mid-epoch.
    ``position`` must be the number of batches that the *trainer* has begun: workers fetch ahead of it.
    """

    def __init__(self, dataset: Any, sampler: EpochBatchSampler, position: Callable[[], int], **options: Any) -> None:
        super().__init__(dataset, batch_sampler=sampler, **options)
        self._epoch_batches, self._position = sampler, position

    def state_dict(self) -> dict[str, int]:
        return {"batches": self._position()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._epoch_batches.skip = state["batches"]
