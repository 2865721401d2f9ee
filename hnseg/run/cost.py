"""What a training or a cross-validation will cost: patients, steps, hours from a timed step, and room on disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from hnseg.data.splits import Split
from hnseg.io import read_grid
from hnseg.modules import SegmentationModule
from hnseg.prepare import Recipe
from hnseg.prepare.cache import estimate_bytes
from hnseg.run.timing import Timing
from hnseg.types import Study

MASK_BYTES = 200_000
"""A compressed mask; one of a 25 mm tumour on 134 x 512 x 512 voxels was measured with 156 kB."""
EVERY_SLICE = ".EverySliceView"
"""The view that takes several samples from a case; how many of its slices show a structure is not known yet."""
ADAM_COPIES = 3
"""Numbers a weight in a checkpoint: the weight, and two of Adam's."""


@dataclass(frozen=True)
class Work:
    """Steps and validation passes of the networks that are still to be trained.

    Attributes:
        folds: networks in all.
        waiting: networks not trained yet.
        epochs: of each.
        steps: of all that wait together.
        validated: whole cases that go through a network for validation, each time counted.
    """

    folds: int
    waiting: int
    epochs: int
    steps: int
    validated: int


@dataclass(frozen=True)
class Seen:
    """What a network is shown.

    Attributes:
        size: of a sample in voxels, (z, y, x) or (y, x).
        case_voxels: of a whole prepared case, on average.
        visits: samples an epoch that a view takes from one case, at most.
    """

    size: tuple[int, ...]
    case_voxels: float
    visits: int


def sample_size(
    plain: Mapping[str, Any], sizes_mm: Sequence[tuple[float, float, float]], spacing_mm: Sequence[float]
) -> Seen:
    """What the view shows; of a view without a size of its own the average case.

    Args:
        plain: the resolved configuration.
        sizes_mm: of the prepared cases (z, y, x).
        spacing_mm: of the prepared grid.
    """
    view = plain["view"]
    z, y, x = (
        max(1, round(fmean(side) / mm)) for side, mm in zip(zip(*sizes_mm, strict=True), spacing_mm, strict=True)
    )
    size = tuple(view["size_zyx"] or (z, y, x))[-view["spatial_dims"] :]
    case_voxels = fmean(math.prod(size_mm) for size_mm in sizes_mm) / math.prod(spacing_mm)
    return Seen(size, case_voxels, z if str(view.get("_target_", "")).endswith(EVERY_SLICE) else 1)


def count_work(plain: Mapping[str, Any], splits: Sequence[Split], folds: int, visits: int = 1) -> Work:
    """What is left to do.

    Args:
        plain: the resolved configuration.
        splits: of the folds that wait.
        folds: how many there are in all.
        visits: samples that an epoch takes from a case each time it comes to it.
    """
    trainer = plain["trainer"]
    epochs, every = trainer["max_epochs"], trainer["check_val_every_n_epoch"]
    samples = [len(split.train) * plain["samples_per_case"] * visits for split in splits]
    batches = [_limited(math.ceil(n / plain["batch_size"]), trainer["limit_train_batches"]) for n in samples]
    cases = [_limited(len(split.val), trainer["limit_val_batches"]) for split in splits]
    return Work(folds, len(splits), epochs, epochs * sum(batches), epochs // every * sum(cases))


def case_sizes_mm(studies: Sequence[Study], recipe: Recipe) -> list[tuple[float, float, float]]:
    """What is kept of each patient, (z, y, x): the recipe's box, or their extent along axes where it has no size.

    Of slices brought to one number of pixels it is what so many voxels of ``spacing_mm`` would take.

    Raises:
        ValueError: the header of an image cannot be read.
    """
    if recipe.slice_size_yx is not None:
        return [_slices_mm(read_grid(study.images[recipe.modalities[0]]).shape_zyx[0], recipe) for study in studies]
    box = (recipe.box_size_mm if recipe.regions[0] != "image" else None) or (None, None, None)
    sizes = []
    for study in studies:
        low, high = read_grid(study.images[recipe.modalities[0]]).extent_mm if None in box else ([0.0] * 3, [0.0] * 3)
        z, y, x = (own if size is None else size for own, size in zip(np.subtract(high, low)[::-1], box, strict=True))
        sizes.append((float(z), float(y), float(x)))
    return sizes


def hours(work: Work, timing: Timing, plain: Mapping[str, Any], seen: Seen) -> float:
    """Hours of all that waits, with time in proportion to voxels.

    Devices share a batch, and the validation cases. Reading, augmentation, test and post-processing are not in it.
    """
    step_voxels = plain["batch_size"] * math.prod(seen.size)
    one_device_s = work.steps * step_voxels * timing.step_s + work.validated * seen.case_voxels * timing.forward_s
    return float(one_device_s / timing.voxels / device_count(plain["trainer"]) / 3600)


def bytes_needed(
    plain: Mapping[str, Any],
    recipe: Recipe,
    sizes_mm: Sequence[tuple[float, float, float]],
    module: SegmentationModule,
    work: Work,
    masks: int,
) -> dict[str, tuple[Path, int]]:
    """What will be written: name to (folder, bytes), from above.

    Args:
        plain: the resolved configuration of the cross-validation.
        recipe: how cases are prepared.
        sizes_mm: of the prepared cases.
        module: with the network.
        work: the networks that wait leave checkpoints.
        masks: how many masks are written.
    """
    runs = Path(plain["paths"]["output"])
    parameters = sum(weight.numel() for weight in module.net.parameters())
    checkpoints = 2 * 4 * ADAM_COPIES * parameters * work.waiting  # best and last, float32
    return {
        "prepared cases": (Path(plain["paths"]["cache"]), sum(estimate_bytes(1, recipe, size) for size in sizes_mm)),
        "checkpoints": (runs, checkpoints),
        "masks": (runs, masks * MASK_BYTES),
    }


def free_bytes(folder: Path) -> int:
    """Room on the disk that ``folder`` is or will be on."""
    return shutil.disk_usage(_existing(folder)).free


def short_of_room(needed: Mapping[str, tuple[Path, int]]) -> list[str]:
    """A sentence for each disk that has less room than will be written on it."""
    disks: dict[int, list[tuple[Path, int]]] = {}
    for folder, size in needed.values():
        disks.setdefault(_existing(folder).stat().st_dev, []).append((folder, size))
    return [
        f"{parts[0][0]}: about {total / 1e9:.1f} GB will be written to this disk, which has {free / 1e9:.1f} GB left"
        for parts in disks.values()
        if (total := sum(size for _, size in parts)) > (free := free_bytes(parts[0][0]))
    ]


def device_count(trainer: Mapping[str, Any]) -> int:
    """Devices of a trainer's configuration; 1 where it leaves that to Lightning."""
    devices = trainer["devices"]
    return len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdigit() else 1


def _slices_mm(slices: int, recipe: Recipe) -> tuple[float, float, float]:
    assert recipe.slice_size_yx is not None
    z, y, x = (float(n * mm) for n, mm in zip((slices, *recipe.slice_size_yx), recipe.spacing_mm, strict=True))
    return z, y, x


def _limited(batches: int, limit: float | int) -> int:
    """As Lightning counts: a whole number of batches, or a fraction of them."""
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
