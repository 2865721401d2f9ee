"""A 2-D network over a volume: whole slices, several in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from hnseg.inference.padding import next_multiple, pad_to


def slice_by_slice(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    divisor_yx: Sequence[int],
    fill: Sequence[float],
    batch_size: int = 1,
    device: torch.device | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Tensor]:
    """Apply ``network`` to every slice of ``image`` at once, ``batch_size`` slices a call.

    Args:
        network: (B, C, 1, Y, X) to (B, K, 1, Y, X), on ``device``, for sizes that ``divisor_yx`` divides.
        image: (C, Z, Y, X).
        divisor_yx: what the network needs the axes of a slice to be multiples of.
        fill: what to pad with up to such a size, one value a channel.
        batch_size: slices in one call.
        device: where the network is; the image's device when not given.
        progress: called with (slices done, slices in all) after every call of the network.

    Yields:
        (K, slices, Y, X) on the image's device, from the first slice to the last; what was padded is cut off again.
    """
    depth = image.shape[1]
    size_yx = next_multiple(image.shape[2:], divisor_yx)
    for first in range(0, depth, batch_size):
        slices = image[:, first : first + batch_size]
        padded, (_, *inside) = pad_to(slices, (slices.shape[1], *size_yx), fill)
        outputs = network(padded.transpose(0, 1).unsqueeze(2).to(device or image.device))
        assert outputs.shape[0] == slices.shape[1], f"{slices.shape[1]} slices in, {outputs.shape[0]} out"
        yield outputs.squeeze(2).transpose(0, 1).to(image.device)[(slice(None), slice(None), *inside)]
        if progress:
            progress(first + slices.shape[1], depth)


def joined(slabs: Iterator[Tensor], depth: int) -> Tensor:
    """(K, depth, Y, X) from slabs (K, slices, Y, X) that follow each other; one of them at a time is held beside it."""
    whole: Tensor | None = None
    done = 0
    for slab in slabs:
        whole = slab.new_empty((slab.shape[0], depth, *slab.shape[2:])) if whole is None else whole
        whole[:, done : done + slab.shape[1]] = slab
        done += slab.shape[1]
    assert whole is not None, "an image without slices"
    assert done == depth, f"{done} slices of {depth}"
    return whole
