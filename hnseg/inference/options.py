"""What is chosen where networks are applied, beside the checkpoints: the keywords of `Ensemble` and `Predictor`."""

from __future__ import annotations

from typing import TypedDict

import torch

from hnseg.inference.runner import Precision
from hnseg.inference.settings import Mode, Tta


class Hardware(TypedDict, total=False):
    """Where and how networks run; what is not given is as `Runner` has it.

    Keys:
        device: ``cpu``, ``cuda``, ``cuda:1``; networks stay there.
        precision: ``32``, or ``bf16`` or ``16`` for mixed precision.
        batch_size: windows, or slices of a 2-D network, in one call.
    """

    device: torch.device | str
    precision: Precision
    batch_size: int


class Options(Hardware, total=False):
    """`Hardware`, and what may be said instead of what each checkpoint says.

    Keys:
        mode: one pass or windows for all; None: as each checkpoint says.
        tta: ``mirror`` averages over mirror images, ``none`` does not; None: as each checkpoint says.
    """

    mode: Mode | None
    tta: Tta | None
