"""Label sets: which structures a network outlines, and which channels count where nobody annotated one.

What is masked because nobody annotated it, in any loss or metric on tensors, goes through the functions at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Activation = Literal["sigmoid", "softmax"]
"""What makes probabilities of logits."""
Output = Activation | Literal["identity"]
"""What a network's output is: logits of either, or the answer itself."""


@dataclass(frozen=True)
class LabelSet:
    """The structures of a data set and how a network's channels stand for them.

    With ``sigmoid`` channel ``i`` is structure ``names[i]``, each for itself. With ``softmax`` channel 0 is the
    background and channel ``i + 1`` is ``names[i]``; they exclude each other. With ``identity`` the channels are those
    of ``sigmoid``, but the output is no logit: it stands for the probability itself, though it may leave [0, 1], and is
    compared with the threshold as it is (Rainio et al. 2024, section 2.3).
    """

    names: tuple[str, ...]
    activation: Output = "sigmoid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f"a label set needs different names, at least one; got {list(self.names)}")
        if self.activation not in ("sigmoid", "softmax", "identity"):
            raise ValueError(f"activation {self.activation!r} is not known; use sigmoid, softmax or identity")

    @property
    def channels(self) -> int:
        """Output channels of a network: one a structure, and one for the background with softmax."""
        return len(self.names) + (self.activation == "softmax")

    def encode(self, target: Tensor) -> Tensor:
        """Label map ``(B, *s)`` to channels ``(B, channels, *s)`` of 0 and 1, float32."""
        first = 0 if self.activation == "softmax" else 1
        return torch.stack([target == value for value in range(first, len(self.names) + 1)], dim=1).float()

    def activate(self, logits: Tensor) -> Tensor:
        """Logits to probabilities, both ``(B, channels, *s)``; with ``identity`` the output as it is."""
        if self.activation == "identity":
            return logits
        return logits.sigmoid() if self.activation == "sigmoid" else logits.softmax(dim=1)

    def structures(self, probabilities: Tensor) -> Tensor:
        """Probabilities ``(B, channels, *s)`` without the background: ``(B, len(names), *s)``."""
        return probabilities[:, 1:] if self.activation == "softmax" else probabilities

    def decode(self, probabilities: Tensor, threshold: float = 0.5, annotated: Tensor | None = None) -> Tensor:
        """Probabilities ``(B, channels, *s)`` to a uint8 label map ``(B, *s)``.

        Softmax: the most probable channel. Sigmoid and identity: the most probable structure where it is above
        ``threshold`` (strictly, as the challenge's winners have it), else background.

        Given ``annotated`` ``(B, len(names))``, a structure that nobody annotated does not compete: a network that
        outlines it, maybe rightly, must not lose the voxels that it would otherwise give to another.
        """
        if annotated is not None:
            background = annotated.new_ones((len(annotated), self.channels - len(self.names)))
            probabilities = where_counting(probabilities, torch.cat([background, annotated], dim=1), -torch.inf)
        if self.activation == "softmax":
            return probabilities.argmax(dim=1).to(torch.uint8)
        best, index = probabilities.max(dim=1)
        return torch.where(best > threshold, index + 1, 0).to(torch.uint8)

    def counts(self, annotated: Tensor) -> Tensor:
        """Flags a structure ``(B, len(names))`` to flags a channel ``(B, channels)``.

        A structure that nobody annotated does not count; the background counts only where all structures are
        annotated, because elsewhere it may hide one of them.
        """
        if self.activation == "softmax":
            return torch.cat([annotated.all(dim=1, keepdim=True), annotated], dim=1)
        return annotated


def where_counting(values: Tensor, counts: Tensor, other: float = 0) -> Tensor:
    """``values`` where they count, ``other`` elsewhere, whatever stands there (nan included); the type stays.

    ``counts`` (bool) flags the leading axes of ``values``: (B, C) those of (B, C, *s), or (B,) those of (B, C, *s).
    """
    return values.masked_fill(~_spread(counts, values), other)


def counting_mean(values: Tensor, counts: Tensor) -> Tensor:
    """Mean of the ``values`` that count, a scalar; 0, with gradients of 0, where none does.

    ``counts`` flags the leading axes of ``values``, as in :func:`where_counting`.
    """
    number = counts.sum() * math.prod(values.shape[counts.ndim :])
    return where_counting(values, counts).sum() / number.clamp(min=1)


def counting_logits(logits: Tensor, counts: Tensor) -> Tensor:
    """The logits (B, C, *s) in at least float32; channels that do not count (B, C) pass no gradient.

    With softmax the other channels still compete with their values, so the probabilities are those that prediction
    will see; only the pull on a channel whose truth is unknown is cut.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return torch.where(_spread(counts, logits), logits, logits.detach())


def _spread(counts: Tensor, like: Tensor) -> Tensor:
    """Flags of the leading axes of ``like``, to broadcast against it and on its device."""
    return counts.reshape((*counts.shape, *(1,) * (like.ndim - counts.ndim))).to(like.device)
