"""From logits to what the losses are made of, with the channels that do not count left out of the gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hnseg.labels import Activation


def check_activation(activation: str) -> None:
    """Raise ValueError unless ``activation`` is one that the losses know."""
    if activation not in ("sigmoid", "softmax"):
        raise ValueError(f"activation {activation!r} is not known; use sigmoid or softmax")


def check_shapes(logits: Tensor, target: Tensor, counts: Tensor) -> None:
    """Raise ValueError unless logits and target are (B, C, *s) and counts (B, C) bool."""
    if logits.shape != target.shape or counts.shape != logits.shape[:2] or counts.dtype != torch.bool:
        raise ValueError(
            f"logits {tuple(logits.shape)} and target {tuple(target.shape)} must both be (batch, channels, *spatial) "
            f"and counts (batch, channels) bool; got {tuple(counts.shape)} {counts.dtype}"
        )


def channel_mask(counts: Tensor, like: Tensor) -> Tensor:
    """``counts`` (B, C) as (B, C, 1, ...), to broadcast against ``like`` (B, C, *s)."""
    return counts.reshape(*counts.shape, *(1,) * (like.ndim - 2))


def counting_logits(logits: Tensor, counts: Tensor) -> Tensor:
    """The logits in at least float32; channels that do not count pass no gradient.

    With softmax the other channels still compete with their values, so the probabilities are those that prediction
    will see; only the pull on a channel whose truth is unknown is cut.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return torch.where(channel_mask(counts, logits), logits, logits.detach())


def probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """Probabilities (B, C, *s)."""
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def log_probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """Logarithms of the probabilities (B, C, *s), exact where these underflow."""
    return F.logsigmoid(logits) if activation == "sigmoid" else logits.log_softmax(dim=1)
