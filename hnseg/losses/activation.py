"""From logits to what the losses are made of; what does not count is left out by :mod:`hnseg.labels`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from hnseg.labels import Activation, counting_logits, where_counting


def check_activation(activation: str) -> None:
    """Raise ValueError unless ``activation`` is one that losses of logits know."""
    if activation == "identity":
        raise ValueError(
            "activation 'identity' says that the network gives no logits but the answer itself; of the losses only "
            "KerasBCE (loss=keras_bce) takes that, or give logits with activation sigmoid or softmax"
        )
    if activation not in ("sigmoid", "softmax"):
        raise ValueError(f"activation {activation!r} is not known; use sigmoid or softmax")


def check_shapes(logits: Tensor, target: Tensor, counts: Tensor) -> None:
    """Raise ValueError unless logits and target are (B, C, *s) and counts (B, C) bool."""
    if logits.shape != target.shape or counts.shape != logits.shape[:2] or counts.dtype != torch.bool:
        raise ValueError(
            f"logits {tuple(logits.shape)} and target {tuple(target.shape)} must both be (batch, channels, *spatial) "
            f"and counts (batch, channels) bool; got {tuple(counts.shape)} {counts.dtype}"
        )


def checked(logits: Tensor, target: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Logits in at least float32 and the target in their type, both (B, C, *s), once :func:`check_shapes` has passed.

    Channels that do not count pass no gradient and have a target of 0.
    """
    check_shapes(logits, target, counts)
    logits = counting_logits(logits, counts)
    return logits, where_counting(target.to(logits.dtype), counts)


def probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """Probabilities (B, C, *s)."""
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def first_channel(activation: Activation, background: bool) -> int:
    """Where the channels begin that a loss is taken of: after softmax's background, where that is left out."""
    return 1 if activation == "softmax" and not background else 0


def log_probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """Logarithms of the probabilities (B, C, *s), exact where these underflow."""
    return F.logsigmoid(logits) if activation == "sigmoid" else logits.log_softmax(dim=1)


def log_complements(logits: Tensor, activation: Activation) -> Tensor:
    """Logarithms of one minus the probabilities (B, C, *s), exact where these round to 1; softmax needs two channels.

    Of softmax only the largest probability of a voxel can be near 1; its complement is the sum of the others.
    """
    if activation == "sigmoid":
        return F.logsigmoid(-logits)
    best = logits.argmax(dim=1, keepdim=True)
    others = logits.scatter(1, best, -torch.inf).logsumexp(dim=1, keepdim=True) - logits.logsumexp(dim=1, keepdim=True)
    is_best = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, best, True)
    return torch.where(is_best, others, torch.log1p(-torch.where(is_best, 0, logits.softmax(dim=1))))


def rivals(logits: Tensor, target: Tensor, counts: Tensor, activation: Activation) -> tuple[Tensor, Tensor]:
    """Truth and logarithm of the probability of all classes that a voxel may be of, each (B, C, K, *s).

    With softmax the channels are the classes (K = 1). With sigmoid every channel has two of its own: its structure
    and the rest (K = 2). The truth of what does not count is 0 for all of them.
    """
    if activation == "softmax":
        return target[:, :, None], logits.log_softmax(dim=1)[:, :, None]
    truth = where_counting(torch.stack([target, 1 - target], dim=2), counts)
    return truth, torch.stack([F.logsigmoid(logits), F.logsigmoid(-logits)], dim=2)


def power(values: Tensor, exponent: float) -> Tensor:
    """``values ** exponent`` of values from 0 on, with a slope that stays finite at 0 for exponents below 1.

    Below 1e-7 it is the straight line to 0.
    """
    return values * values.clamp(min=1e-7) ** (exponent - 1)
