"""AdamWR: Adam with decoupled weight decay and warm restarts (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

BETAS = (0.9, 0.99)
CYCLE_MULTIPLIER = 2
ETA_MULTIPLIER = 0.8


def eta(step: int, first_cycle: int, multiplier: int = CYCLE_MULTIPLIER, falling: float = ETA_MULTIPLIER) -> float:
    """The schedule's multiplier of the paper's algorithm 2: a cosine down to 0 in each cycle, from lower every time.

    Args:
        step: of the optimiser, from 0.
        first_cycle: steps until the first restart.
        multiplier: of a cycle's length after each restart.
        falling: what the multiplier starts from after a restart, relative to the start of the cycle before.
    """
    length, height = first_cycle, 1.0
    while step >= length:
        step, length, height = step - length, length * multiplier, height * falling
    return height * (1 + math.cos(math.pi * step / length)) / 2


def adam_wr(parameters: Iterable[nn.Parameter], lr: float, decay: float, steps_per_epoch: int) -> dict[str, Any]:
    """An optimiser with its schedule, as Lightning takes them; the first cycle is an epoch long.

    Bourigault et al. 2021 used that of torchtuples, which pycox builds on: decay rates of Adam's averages, cycles and
    the multiplier 0.8 are from there. In the paper's algorithm 2 a step takes away ``eta * decay`` of each weight,
    whatever the learning rate; torch's AdamW takes away ``eta * lr * weight_decay``, so the rate is divided out.

    Departure: torchtuples also divides the decay by the root of the number of steps of a cycle.
    """
    optimiser = AdamW(parameters, lr=lr, betas=BETAS, weight_decay=decay / lr, foreach=True)
    schedule = LambdaLR(optimiser, partial(eta, first_cycle=steps_per_epoch))
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
