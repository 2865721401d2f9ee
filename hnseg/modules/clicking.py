"""Where clicks come from while a network is trained, validated and tested; none of it depends on what came before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from hnseg.clicks import ClickChannels, NoClicks
from hnseg.types import Batch, Clicks

ROBOT, WHOLE_CASES = 2, 3
"""Keep these draws apart from each other and from those of samples and mixup, which have the same seed."""


def seeded(*key: int) -> np.random.Generator:
    """A generator that is a pure function of its key, see :func:`hnseg.data.sampling.sample_rng`."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def clicked_by_robot(
    batch: Batch, clicks: ClickChannels | NoClicks, answer: Callable[[Tensor], Tensor], seed: int, epoch: int, step: int
) -> Tensor:
    """The images of a batch after up to ``clicks.most`` more clicks, each on the largest error that is made then.

    Args:
        batch: with clicks as they were drawn.
        clicks: how the network is shown them.
        answer: images (B, C, *s) to label maps (B, *s), background where nobody looked for a structure.
        seed, epoch, step: of the training; how many clicks there are depends on them alone.
    """
    image, behind = batch["image"], -clicks.channels
    rounds = int(seeded(seed, epoch, step, ROBOT).integers(0, (clicks.most or 1) + 1))
    for _ in range(rounds):
        shown = clicks.correct(image[:, behind:], answer(image), batch["target"], batch["spacing_mm"])
        image = torch.cat([image[:, :behind], shown], dim=1)
    return image


def whole_case_clicks(case: dict[str, Any], clicks: ClickChannels | NoClicks, stage: str, seed: int) -> Clicks:
    """The clicks that a network is shown with a whole case, the same ones in every epoch.

    Validation draws them as training does. A network that was trained to do without clicks, too, is tested without;
    what clicks add is in the click curves.
    """
    spacing_mm = tuple(case["spacing_mm"])  # a list since the loader
    if stage == "test" and clicks.most is not None:
        return Clicks.none(spacing_mm)
    image, rng = case["image"].cpu().numpy(), seeded(seed, WHOLE_CASES, crc32(case["case_id"].encode()))
    return clicks.draw(case["target"].cpu().numpy(), rng, image=image, spacing_mm=spacing_mm)
