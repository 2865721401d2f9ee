"""The LightningDataModule that all data sets share: raw studies -> prepared cases -> split -> loaders."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Subset

from hnseg.clicks import ClickChannels, NoClicks
from hnseg.data.datasets import Augment, TrainingSamples, WholeCases, collate
from hnseg.data.facts import training_counts
from hnseg.data.leakage import refuse_leaks
from hnseg.data.sampling import EpochBatchSampler, ResumableLoader
from hnseg.data.splits import Split, Splitter, deal_out
from hnseg.data.views import EverySliceView, View
from hnseg.labels import LabelSet
from hnseg.prepare import Case, Cohort, Findings, Recipe, prepare_cohort
from hnseg.sides import mirrored_name, sided
from hnseg.types import TrainingCounts


class CaseDataModule(pl.LightningDataModule):
    """Cases of one data set, whole patients on each side of the split.

    Args:
        name: what the data set is called on the command line and in the cache.
        recipe: how a raw study becomes a case.
        labels: the structures.
        split: who trains, validates and is tested.
        view: how a network sees a case while it trains.
        augment: what is random about an image.
        cache_dir: where prepared cases are kept.
        batch_size: samples a step, over all devices.
        samples_per_case: how often an epoch visits a case.
        workers: loader processes a device; 0 loads in the training process.
        prepare_workers: processes that prepare cases.
        seed: of the sampling; see :mod:`hnseg.data.sampling`.
        clicks: how samples are given clicks, if they are.
    """

    name: str
    slices_scored = False
    """Whether slices are validated and scored one by one, and only those that the view goes to."""

    def __init__(
        self,
        *,
        name: str,
        recipe: Recipe,
        labels: LabelSet,
        split: Splitter,
        view: View,
        augment: Augment,
        cache_dir: str | Path,
        batch_size: int,
        samples_per_case: int = 1,
        workers: int = 0,
        prepare_workers: int = 2,
        seed: int = 0,
        clicks: ClickChannels | NoClicks | None = None,
    ) -> None:
        super().__init__()
        if tuple(recipe.label_names) != labels.names:
            raise ValueError(f"the recipe prepares {list(recipe.label_names)}, the labels are {list(labels.names)}")
        if getattr(augment, "mirrors_sides", False) and (names := sided(labels.names)):
            raise ValueError(
                f"this augmentation mirrors left and right, which makes {names[0]} a {mirrored_name(names[0])} "
                "under its old name; choose augment=organs, or another that knows sides"
            )
        self.name, self.recipe, self.labels = name, recipe, labels
        self.splitter, self.view, self.augment = split, view, augment
        self.cache_dir = Path(cache_dir)
        self.batch_size, self.samples_per_case, self.seed = batch_size, samples_per_case, seed
        self.workers, self.prepare_workers, self.clicks = workers, prepare_workers, clicks or NoClicks()
        self.cohort: Cohort | None = None
        self.split: Split | None = None

    @abstractmethod
    def find_studies(self, progress: bool = True) -> Findings:
        """The raw studies on disk, nothing read yet."""

    def prepare_data(self) -> None:
        """Lightning calls it once a machine, before the other processes look."""
        if self.cohort is None:
            self.cohort = self.prepare()

    def prepare(self, progress: bool = True) -> Cohort:
        """Fill the cache; a second call finds everything done. Waits where another process is at it."""
        findings = self.find_studies(progress)
        cohort = prepare_cohort(
            findings.studies, self.recipe, self.cache_dir, self.name, workers=self.prepare_workers, progress=progress
        )
        return replace(cohort, failures=(*findings.problems, *cohort.failures))

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        if self.split is not None:
            return
        self.cohort = self.cohort or self.prepare(progress=False)  # only the first process prepared
        usable = self.patients()
        self.split = deal_out(self.splitter, usable)
        refuse_leaks(self.split, usable)

    def patients(self) -> list[Case]:
        """The prepared cases that a split deals out: all but training patients whom nobody outlined."""
        assert self.cohort is not None, "prepare_data() or setup() comes first"
        return [case for case in self.cohort.cases if case.part == "test" or case.label is not None]

    def cases(self, part: str) -> list[Case]:
        """The cases of ``train``, ``val`` or ``test``, in the split's order."""
        assert self.cohort is not None
        assert self.split is not None, "setup() comes first"
        known = {case.case_id: case for case in self.cohort.cases}
        return [known[case_id] for case_id in getattr(self.split, part)]

    def training_counts(self) -> TrainingCounts:
        """How often each structure occurs in the training patients."""
        return training_counts(self.cases("train"), self.view.spatial_dims)

    def training_samples(self) -> TrainingSamples:
        """What an epoch goes through."""
        return TrainingSamples(
            self.cases("train"), self.view, self.augment, self.seed, self.samples_per_case, self.clicks
        )

    def train_dataloader(self) -> ResumableLoader:
        samples, trainer = self.training_samples(), self.trainer
        assert trainer is not None
        sampler = EpochBatchSampler(
            len(samples), self.batch_size, lambda: trainer.current_epoch, trainer.global_rank, trainer.world_size
        )
        progress = trainer.fit_loop.epoch_loop.batch_progress
        return ResumableLoader(
            samples,
            sampler,
            lambda: progress.current.ready,
            collate_fn=collate,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return self._whole_cases(self.cases("val"))

    def test_dataloader(self) -> DataLoader[Any]:
        return self._whole_cases([case for case in self.cases("test") if case.label is not None])

    def _whole_cases(self, cases: Sequence[Case]) -> DataLoader[Any]:
        """This device's share, a case at a time. Shares are equally long, because devices wait for each other.

        Where that takes a case twice, metrics count it once.
        """
        trainer = self.trainer
        assert trainer is not None
        rounds = math.ceil(len(cases) / trainer.world_size)
        share = [(trainer.global_rank + n * trainer.world_size) % len(cases) for n in range(rounds)]
        whole = WholeCases(cases, self.scored_view())
        return DataLoader(Subset(whole, share), batch_size=None, num_workers=self.workers)

    def scored_view(self) -> EverySliceView | None:
        """The view whose slices alone count, of a data set that is scored slice by slice."""
        return self.view if self.slices_scored and isinstance(self.view, EverySliceView) else None
