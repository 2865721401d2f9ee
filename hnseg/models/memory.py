"""How much memory a training step will take, without taking it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

OPTIMIZER_COPIES = 2
"""Adam keeps two numbers a weight."""


def training_bytes(
    build: Callable[[], nn.Module], image_shape: Sequence[int], autocast: torch.dtype | None = None
) -> int:
    """Bytes of weights, gradients, Adam's state and what autograd keeps of a forward pass.

    Measured on tensors without memory: shapes and precisions are worked out and nothing is computed. The truth is
    higher by the work space of convolutions and by fragmentation; docs/benchmarks.md compares both.

    Args:
        build: makes the network.
        image_shape: (B, C, *spatial) of one device's share of a batch.
        autocast: precision of the layers that a CPU's autocast lowers; None: all is float32.
    """
    kept: dict[int, int] = {}
    held: list[Tensor] = []

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        held.append(tensor)  # a storage that is freed could lend its address to another
        return tensor

    # not the meta device, which no autocast knows
    with FakeTensorMode():
        network, image = build(), torch.empty(tuple(image_shape))
        with (
            torch.autocast("cpu", autocast, enabled=autocast is not None),
            torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor),
        ):
            network(image)
    weights = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for p in network.parameters()}
    activations = sum(size for storage, size in kept.items() if storage not in weights)
    return activations + (2 + OPTIMIZER_COPIES) * sum(weights.values())
