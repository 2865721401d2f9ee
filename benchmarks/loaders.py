"""Three ways to draw patches of prepared cases: hnseg's cache, TorchIO's Queue, MONAI's CacheDataset.

Each loader gives batches of four float32 images (B, 2, *patch) in HU and SUV with label maps, aims nine of ten patches
at the tumour, and has ``whole(index)``: case ``index`` through the same reader, for the comparison of voxels.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.cohort import IMAGES, Size, cases, niftis

BATCH = 4
TUMOUR = 0.9
Batches = Iterator[tuple[Tensor, Tensor]]
Corner = tuple[int, int, int]


class HnsegLoader:
    """``PatchView`` of memory-mapped cases through ``TrainingSamples``, not augmented, as ``train.py`` has it."""

    def __init__(self, folder: Path, size: Size, workers: int) -> None:
        from hnseg.augment import NoAugment
        from hnseg.data.datasets import TrainingSamples, collate
        from hnseg.data.sampling import EpochBatchSampler
        from hnseg.data.views import PatchView

        self.cases, self.epoch = cases(folder), 0
        view = PatchView((size.patch,) * 3, foreground_probability=TUMOUR)
        samples = TrainingSamples(self.cases, view, NoAugment(), seed=0, samples_per_case=size.per_case)
        sampler = EpochBatchSampler(len(samples), BATCH, lambda: self.epoch)
        self.loader = DataLoader(
            samples, batch_sampler=sampler, collate_fn=collate, num_workers=workers, persistent_workers=workers > 0
        )

    def batches(self) -> Batches:
        self.epoch += 1
        return ((batch["image"], batch["target"]) for batch in self.loader)

    def crop(self, index: int, corner: Corner, edge: int) -> tuple[Tensor, Tensor]:
        image, label = self.cases[index].crop(corner, (edge, edge, edge))
        return torch.from_numpy(image), torch.from_numpy(label)


class TorchIOLoader:
    """``Queue`` over ``SubjectsDataset`` with a sampler, as TorchIO's documentation has it: its workers read cases."""

    def __init__(self, folder: Path, size: Size, workers: int, aimed: bool) -> None:
        import torchio as tio

        subjects = [
            tio.Subject({name: tio.ScalarImage(paths[name]) for name in IMAGES}, label=tio.LabelMap(paths["label"]))
            for paths in niftis(folder)
        ]
        self.dataset = tio.SubjectsDataset(subjects)
        sampler = (
            tio.LabelSampler(size.patch, "label", {0: 1 - TUMOUR, 1: TUMOUR})
            if aimed
            else tio.UniformSampler(size.patch)
        )
        # the whole epoch fits in the queue: no fill-up ends in the middle of a case, which would be read twice
        queue = tio.Queue(
            self.dataset, size.patches, size.per_case, sampler, num_workers=workers, start_background=False
        )
        self.loader = tio.SubjectsLoader(queue, batch_size=BATCH, num_workers=0)

    def batches(self) -> Batches:
        for batch in self.loader:
            yield _channels(batch), batch["label"]["data"]

    def crop(self, index: int, corner: Corner, edge: int) -> tuple[Tensor, Tensor]:
        import torchio as tio

        x, y, z = corner[::-1]  # TorchIO has x first
        patch = tio.UniformSampler(edge).crop(self.dataset[index], np.array([x, y, z]), np.array([edge] * 3))
        image = torch.cat([patch[name].data.float() for name in IMAGES])
        return image.permute(0, 3, 2, 1), patch["label"].data[0].permute(2, 1, 0)


def _channels(batch: dict) -> Tensor:
    return torch.cat([batch[name]["data"].float() for name in IMAGES], dim=1)


class MonaiLoader:
    """``CacheDataset`` of whole tensors and ``RandCropByPosNegLabeld``, four patches a visit.

    Its fastest documented way: indices of tumour and background are cached, meta data is not tracked.
    """

    def __init__(self, folder: Path, size: Size, workers: int) -> None:
        from monai import transforms as mt
        from monai.data import CacheDataset
        from monai.data import DataLoader as MonaiDataLoader

        keys = ["image", "label"]
        crop = mt.RandCropByPosNegLabeld(
            keys,
            label_key="label",
            spatial_size=[size.patch] * 3,
            pos=TUMOUR,
            neg=1 - TUMOUR,
            num_samples=BATCH,
            fg_indices_key="label_fg_indices",
            bg_indices_key="label_bg_indices",
        )
        steps = [
            mt.LoadImaged([*IMAGES, "label"], ensure_channel_first=True),
            mt.ConcatItemsd(list(IMAGES), "image"),
            mt.SelectItemsd(keys),
            mt.EnsureTyped(["image"], dtype=torch.float32, track_meta=False),
            mt.EnsureTyped(["label"], dtype=torch.uint8, track_meta=False),
            mt.FgBgToIndicesd("label"),
            crop,
        ]
        visits = niftis(folder)
        self.dataset = CacheDataset(visits, mt.Compose(steps), progress=False)
        self.before_crop = CacheDataset(visits, mt.Compose(steps[:-2]), progress=False, cache_num=0)
        self.passes = size.per_case // BATCH
        self.loader = MonaiDataLoader(
            self.dataset, batch_size=1, shuffle=True, num_workers=workers, persistent_workers=workers > 0
        )

    def batches(self) -> Batches:
        for _ in range(self.passes):
            for batch in self.loader:
                yield batch["image"], batch["label"]

    def crop(self, index: int, corner: Corner, edge: int) -> tuple[Tensor, Tensor]:
        x, y, z = corner[::-1]  # MONAI has x first
        whole = self.before_crop[index]
        cut = (slice(None), slice(x, x + edge), slice(y, y + edge), slice(z, z + edge))
        image, label = (torch.as_tensor(whole[key][cut]) for key in ("image", "label"))
        return image.permute(0, 3, 2, 1), label[0].permute(2, 1, 0)


Loader = HnsegLoader | TorchIOLoader | MonaiLoader
LOADERS: dict[str, Callable[[Path, Size, int], Loader]] = {
    "hnseg": HnsegLoader,
    "MONAI CacheDataset": MonaiLoader,
    "TorchIO Queue, LabelSampler": lambda folder, size, workers: TorchIOLoader(folder, size, workers, aimed=True),
    "TorchIO Queue, UniformSampler": lambda folder, size, workers: TorchIOLoader(folder, size, workers, aimed=False),
}


def make_loader(name: str, folder: Path, size: Size, workers: int) -> Loader:
    """A loader by its name in the table, its random numbers seeded."""
    random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return LOADERS[name](folder, size, workers)
