"""What is computed again in the backward pass instead of being kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.checkpoint import checkpoint

from hnseg.models.blocks import upsample


def run(block: Callable[..., Tensor], *inputs: Tensor, checkpointing: bool) -> Tensor:
    """``block(*inputs)``; with ``checkpointing`` its activations are dropped and computed again in the backward pass.

    Where a block has dropout, the random state is kept, so that the second computation drops the same. Running
    statistics of batch normalisation take in a batch once, in the first one. For both ``block`` has to be a module, or
    a method of the module that holds all layers that it runs.
    """
    if not (checkpointing and torch.is_grad_enabled()):
        return block(*inputs)
    contexts: dict[str, Any] = {}
    layers = _layers(block)
    if norms := [layer for layer in layers if isinstance(layer, _BatchNorm)]:
        contexts["context_fn"] = lambda: (nullcontext(), _statistics_kept(norms))
    random = any(isinstance(layer, _DropoutNd) for layer in layers)
    again: Tensor = checkpoint(block, *inputs, use_reentrant=False, preserve_rng_state=random, **contexts)
    return again


def _layers(block: Callable[..., Tensor]) -> list[nn.Module]:
    owner = getattr(block, "__self__", block)
    return list(owner.modules()) if isinstance(owner, nn.Module) else []


@contextmanager
def _statistics_kept(norms: Sequence[_BatchNorm]) -> Iterator[None]:
    """Batch normalisation as before, but for its running statistics, which stay as they are.

    It gets copies of them to change. Without any it would save fewer tensors for the backward pass than it did in the
    first computation, and checkpoints must save the same.
    """
    kept = [dict(layer.named_buffers(recurse=False)) for layer in norms]
    for layer, statistics in zip(norms, kept, strict=True):
        for name, value in statistics.items():
            setattr(layer, name, value.clone())
    try:
        yield
    finally:
        for layer, statistics in zip(norms, kept, strict=True):
            for name, value in statistics.items():
                setattr(layer, name, value)


class Stack(nn.Sequential):
    """Blocks one after the other, with ``checkpointing`` each a checkpoint of its own."""

    def __init__(self, *blocks: nn.Module, checkpointing: bool = False) -> None:
        super().__init__(*blocks)
        self.checkpointing = checkpointing

    def forward(self, x: Tensor) -> Tensor:
        for block in self:
            x = run(block, x, checkpointing=self.checkpointing)
        return x


def conv_of_upsampled(layer: nn.Conv2d | nn.Conv3d, x: Tensor, scale: int, channels_at_once: int) -> Tensor:
    """``layer(upsample(x, scale))`` for a layer of :func:`hnseg.models.blocks.conv`, never holding all that it sees.

    A convolution is a sum over its input channels, so at most ``channels_at_once`` of them are interpolated and
    convolved at a time. In training the interpolated ones are not kept but made again in the backward pass, which costs
    little beside the convolution; 384 channels at 144^3 would be 4.6 GB in float32.
    """
    pieces = -(-x.shape[1] // channels_at_once)
    total: Tensor | None = None
    for channels, weight in zip(x.chunk(pieces, dim=1), layer.weight.chunk(pieces, dim=1), strict=True):
        piece = partial(_upsample_and_convolve, scale=scale, bias=layer.bias if total is None else None)
        part = run(piece, channels, weight, checkpointing=True)
        total = part if total is None else total + part
    assert total is not None
    return total


def _upsample_and_convolve(x: Tensor, weight: Tensor, scale: int, bias: Tensor | None) -> Tensor:
    convolve = F.conv3d if x.ndim == 5 else F.conv2d
    return convolve(upsample(x, scale), weight, bias, padding=weight.shape[-1] // 2)
