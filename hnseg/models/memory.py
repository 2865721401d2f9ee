"""How much memory a training step will take, without taking it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

OPTIMIZER_COPIES = 2
"""Adam keeps two numbers a weight."""


def training_bytes(build: Callable[[], nn.Module], image_shape: Sequence[int]) -> int:
    """Bytes of weights, gradients, Adam's state and what autograd keeps of a forward pass, in float32.

    Measured on the meta device: shapes are worked out and nothing is computed. The truth is higher by the work space of
    convolutions and by fragmentation; docs/benchmarks.md compares both.

    Args:
        build: makes the network.
        image_shape: (B, C, *spatial) of one device's share of a batch.
    """
    with torch.device("meta"):
        network = build()
        image = torch.empty(tuple(image_shape))
    kept: dict[int, int] = {}

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        held.append(tensor)  # a storage that is freed could lend its address to another
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        network(image)
    weights = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for p in network.parameters()}
    activations = sum(size for storage, size in kept.items() if storage not in weights)
    return activations + (2 + OPTIMIZER_COPIES) * sum(weights.values())
