"""Reading a checkpoint file as data: nothing in it is run, and no name in it is imported."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def load_as_data(path: Path) -> Mapping[str, Any]:
    """What a checkpoint file holds, tensors on the CPU.

    Raises:
        ValueError: the file is not there, is damaged, holds more than data, or holds no dictionary.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch comments on pickles that are not its own; the error below says more
            content = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a hostile or damaged file may raise anything; nothing of it was used
        name = re.search(r"GLOBAL (\S+)|Unsupported class (\S+)", str(error))
        if name:
            raise ValueError(
                f"{path} holds more than data (it refers to {name[1] or name[2]}) and could run code when loaded; it "
                "was refused and nothing was run. Checkpoints of hnseg hold weights and plain values only"
            ) from error
        # torch's own advice, to load it without weights_only, is the one thing not to do
        reason = first_lines(error).rpartition("WeightsUnpickler error:")[2].strip()
        raise ValueError(f"{path} is damaged or no checkpoint ({reason}); copy it again from its source") from error
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a checkpoint of hnseg")
    return content


def first_lines(error: Exception, count: int = 3) -> str:
    """The beginning of a long message of torch."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:count]) or type(error).__name__
