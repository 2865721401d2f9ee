"""How much memory a training step will take, without taking it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Loss = Callable[[Any, Tensor, Tensor], Tensor]
OPTIMIZER_COPIES = 2
"""Adam keeps two numbers a weight."""


def training_bytes(
    build: Callable[[], nn.Module],
    image_shape: Sequence[int],
    autocast: torch.dtype | None = None,
    loss: Loss | None = None,
) -> int:
    """The most bytes that a training step holds at a time, in a network's weights and Adam's state and in all tensors
    that are alive from the first layer to the last gradient, those among them that checkpointing computes again.

    Found on tensors without memory: forward and backward pass run on shapes and precisions, and nothing is computed.
    The truth is higher by the work space of convolutions and by fragmentation; docs/benchmarks.md compares both.

    Args:
        build: makes the network.
        image_shape: (B, C, *spatial) of one device's share of a batch.
        autocast: precision of the layers that a CPU's autocast lowers; None: all is float32.
        loss: ``loss(outputs, target, counts)`` that asks no tensor for its values. None: nothing but the gradients of
            the outputs, too little where these are many: Dice and focal loss of ten classes together hold 13 times as
            much as the logits in float32.
    """
    alive = Alive()
    # not the meta device, which no autocast knows
    with FakeTensorMode():
        network, image = build(), torch.empty(tuple(image_shape))
        alive.count([*network.parameters(), *network.buffers(), image])
        weights = sum(p.untyped_storage().nbytes() for p in network.parameters())
        with alive:
            with torch.autocast("cpu", autocast, enabled=autocast is not None):
                outputs = network(image)
                value = None if loss is None else loss(outputs, *_truth(outputs))
            if value is not None:
                value.backward()
            else:
                several = outputs if isinstance(outputs, list) else [outputs]
                torch.autograd.backward(several, [torch.empty_like(out) for out in several])
    return alive.most + OPTIMIZER_COPIES * weights


def _truth(outputs: Tensor | list[Tensor]) -> tuple[Tensor, Tensor]:
    """A target (B, C, *s) and which channels count (B, C)."""
    out = outputs[0] if isinstance(outputs, list) else outputs
    return torch.empty(out.shape), torch.ones(out.shape[:2], dtype=torch.bool)


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors that operations made while it is on and that are not freed yet.

    Attributes:
        most: the largest number of bytes at a time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        self._counted: dict[int, weakref.finalize[..., Any]] = {}

    def count(self, tensors: Iterable[Any]) -> None:
        """Take in the storages of the tensors among ``tensors``, each once however many share it."""
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                continue
            storage = tensor.untyped_storage()
            if id(storage) not in self._counted:
                self._now += storage.nbytes()
                self._counted[id(storage)] = weakref.finalize(storage, self._free, id(storage), storage.nbytes())
        self.most = max(self.most, self._now)

    def _free(self, place: int, size: int) -> None:
        self._now -= size
        del self._counted[place]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.count(tree_leaves(out))
        return out
