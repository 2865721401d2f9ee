"""Where networks run when nobody says."""

from __future__ import annotations

import torch


def device_named(name: str) -> str:
    """``name`` itself; of ``auto`` the first GPU, or the processor where there is none."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
