"""How long a training step takes on this machine, from a patch that is small enough for any."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from hnseg.modules.segmentation import SegmentationModule, teach
from hnseg.types import TrainingCounts

REPEATS = 3
LARGEST = 192
"""What is longer along an axis, such as a whole CT, is timed as if it had this: time goes by voxels."""


@dataclass(frozen=True)
class Timing:
    """Seconds of a training step and of a forward pass on ``shape``, (B, C, *spatial); the median of `REPEATS`."""

    shape: tuple[int, ...]
    step_s: float
    forward_s: float

    @property
    def voxels(self) -> int:
        """Of the timed patch."""
        return math.prod(self.shape[2:])


def time_network(
    module: SegmentationModule, size: Sequence[int], modalities: int, trainer: Mapping[str, Any]
) -> Timing:
    """Time a training step and a forward pass on one random patch of about half the size along every axis.

    Steps are of the run's own network, loss, optimiser, precision and device; reading, augmenting and mixing are not in
    them.

    Args:
        module: of the run.
        size: of what a network is shown, (z, y, x) or (y, x).
        modalities: channels of an image before normalisation.
        trainer: the resolved configuration of the trainer.
    """
    device = torch.device(_device(trainer))
    module.to(device)
    divisor = int(getattr(module.net, "divisor", 1))
    shape = (1, modalities, *(_half(min(side, LARGEST), divisor) for side in size))
    image = torch.randn(shape, device=device) * 100
    labels, known = module.labels, (1,) * len(module.labels.names)
    teach(module.loss.modules(), lambda: TrainingCounts(labels.names, 1, known, 1, known))
    target = torch.randint(0, len(labels.names) + 1, (1, *shape[2:]), device=device)
    target, counts = labels.encode(target), labels.counts(torch.ones(1, len(labels.names), dtype=torch.bool)).to(device)
    optimizer = module.configure_optimizers()["optimizer"]

    def step() -> None:
        with _autocast(trainer, device):
            loss = module.loss(module(image), target, counts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def forward() -> None:
        with torch.no_grad(), _autocast(trainer, device):
            module(image)

    step_s = _median_s(step, device)
    module.eval()
    return Timing(tuple(shape), step_s, _median_s(forward, device))


def _device(trainer: Mapping[str, Any]) -> str:
    return "cuda" if trainer["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"


def _half(size: int, divisor: int) -> int:
    """About half of an axis, a multiple of ``divisor`` and at least two of it, where the axis is that long."""
    return min(size, max(2 * divisor, size // 2 // divisor * divisor))


def _autocast(trainer: Mapping[str, Any], device: torch.device) -> AbstractContextManager[object]:
    dtype = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(str(trainer["precision"]))
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def _median_s(run: Callable[[], None], device: torch.device) -> float:
    seconds = []
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])  # the first one allocates and chooses algorithms
