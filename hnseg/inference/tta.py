"""Test-time augmentation: the mean of what a network says about an image and about its mirror images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations

from torch import Tensor

Network = Callable[[Tensor], Tensor]


def mirrored(network: Network, axes: Sequence[int] = (0, 1, 2)) -> Network:
    """A network that answers with the mean over all mirrorings along ``axes``: 2 to the power of their number passes.

    Source: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z (mirroring along all axes at test time).
    Mirroring a patient swaps left and right, so a label set that tells them apart must leave out the x axis.

    Args:
        network: (B, C, *s) to (B, K, *s), the mean of whose answers means something (probabilities).
        axes: spatial axes, 0 for the first one.
    """
    flips = list(chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)))

    def mean_over_mirrorings(image: Tensor) -> Tensor:
        total: Tensor | None = None
        for flip in flips:
            dims = [axis + 2 for axis in flip]
            answer = network(image.flip(dims)).flip(dims)
            total = answer if total is None else total.add_(answer)
        assert total is not None
        return total.div_(len(flips))

    return mean_over_mirrorings
