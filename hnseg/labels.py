"""Label sets: which structures a network outlines, and which channels count where nobody annotated one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Activation = Literal["sigmoid", "softmax"]


@dataclass(frozen=True)
class LabelSet:
    """The structures of a data set and how a network's channels stand for them.

    With ``sigmoid`` channel ``i`` is structure ``names[i]``, each for itself. With ``softmax`` channel 0 is the
    background and channel ``i + 1`` is ``names[i]``; they exclude each other.
    """

    names: tuple[str, ...]
    activation: Activation = "sigmoid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f"a label set needs different names, at least one; got {list(self.names)}")
        if self.activation not in ("sigmoid", "softmax"):
            raise ValueError(f"activation {self.activation!r} is not known; use sigmoid or softmax")

    @property
    def channels(self) -> int:
        """Output channels of a network: one a structure, and one for the background with softmax."""
        return len(self.names) + (self.activation == "softmax")

    def encode(self, target: Tensor) -> Tensor:
        """Label map ``(B, *s)`` to channels ``(B, channels, *s)`` of 0 and 1, float32."""
        first = 0 if self.activation == "softmax" else 1
        return torch.stack([target == value for value in range(first, len(self.names) + 1)], dim=1).float()

    def activate(self, logits: Tensor) -> Tensor:
        """Logits to probabilities, both ``(B, channels, *s)``."""
        return logits.sigmoid() if self.activation == "sigmoid" else logits.softmax(dim=1)

    def structures(self, probabilities: Tensor) -> Tensor:
        """Probabilities ``(B, channels, *s)`` without the background: ``(B, len(names), *s)``."""
        return probabilities if self.activation == "sigmoid" else probabilities[:, 1:]

    def decode(self, probabilities: Tensor, threshold: float = 0.5) -> Tensor:
        """Probabilities ``(B, channels, *s)`` to a uint8 label map ``(B, *s)``.

        Softmax: the most probable channel. Sigmoid: the most probable structure where it is above ``threshold``
        (strictly, as the challenge's winners have it), else background.
        """
        if self.activation == "softmax":
            return probabilities.argmax(dim=1).to(torch.uint8)
        best, index = probabilities.max(dim=1)
        return torch.where(best > threshold, index + 1, 0).to(torch.uint8)

    def counts(self, annotated: Tensor) -> Tensor:
        """Flags a structure ``(B, len(names))`` to flags a channel ``(B, channels)``.

        A structure that nobody annotated does not count; the background counts only where all structures are
        annotated, because elsewhere it may hide one of them.
        """
        if self.activation == "sigmoid":
            return annotated
        return torch.cat([annotated.all(dim=1, keepdim=True), annotated], dim=1)
