"""What overlapping windows say, weighted and summed up: over a whole image, or over the slices they still reach."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import torch
from torch import Tensor

from hnseg.inference.padding import Slices

NUMPY_TYPES = {torch.float32: np.float32, torch.float16: np.float16}


class WindowSums:
    """Weighted sums of the answers of windows that come in the order of their first slices.

    A slice is finished when no window comes to it any more; it can be taken then, and its room given to another. No
    map of the weights exists: they are added up a slab at a time, where a slab is finished.

    Args:
        shape: channels, then the size of the image; of the size along the first axis only ``held`` is kept.
        held: slices in memory at once: all of the image, or as many as the windows of one call reach.
        starts: first voxels of the windows, one list an axis.
        weight: (*window), in the type of the sums.
        device: where the sums are.
    """

    def __init__(
        self, shape: Sequence[int], held: int, starts: Sequence[Sequence[int]], weight: Tensor, device: torch.device
    ) -> None:
        channels, _, *size = shape
        self.alone = all(len(along) == 1 for along in starts)
        self.array = _zeros((channels, 0 if self.alone else held, *size), weight.dtype, device)
        self.starts, self.weight = starts, weight
        self.first = self.finished = 0
        depth = weight.shape[0]
        # between two neighbouring first or last slices of windows the same windows lie above each other
        self._edges = sorted({*starts[0], *(start + depth for start in starts[0])})
        self._exact = weight.float()  # the very numbers that are multiplied by, summed up without further rounding
        self._buffer = torch.empty((max(high - low for low, high in pairwise(self._edges)), *size), device=device)

    def add(self, answer: Tensor, place: Slices) -> None:
        """Add a window's answer (K, *window) at its place in the image; one window alone is the answer."""
        if self.alone:
            self.array = answer
            return
        z, *inside = place
        here = slice(z.start - self.first, z.stop - self.first)
        self.array[(slice(None), here, *inside)].addcmul_(answer, self.weight)

    def finish(self, until: int) -> Tensor:
        """The mean in the slices from the last call's ``until`` to this one's, which no window reaches any more.

        Returns:
            (K, slices, *s), a view that is good until `forget`.
        """
        edges = [] if self.alone else [edge for edge in self._edges if self.finished <= edge <= until]
        for low, high in pairwise(edges):
            self.array[:, low - self.first : high - self.first] /= self._weights(low, high)
        slab = self.array[:, self.finished - self.first : until - self.first]
        self.finished = until
        return slab

    def forget(self) -> None:
        """Give the room of the finished slices to those behind them."""
        gone = self.finished - self.first
        kept = self.array.shape[1] - gone
        if gone:
            for low in range(0, kept, gone):  # piece by piece, so that no piece is copied onto itself
                high = min(low + gone, kept)
                self.array[:, low:high] = self.array[:, low + gone : high + gone]
            self.array[:, kept:] = 0
        self.first = self.finished

    def _weights(self, low: int, high: int) -> Tensor:
        """(high - low, *s): the sum of the weights that met in each voxel of these slices."""
        total = self._buffer[: high - low].zero_()
        depth = self.weight.shape[0]
        for first, *at in product(*self.starts):
            if first <= low and high <= first + depth:
                inside = tuple(slice(a, a + w) for a, w in zip(at, self.weight.shape[1:], strict=True))
                total[(slice(None), *inside)] += self._exact[low - first : high - first]
        return total


def _zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeros; on a CPU from numpy, whose pages come zeroed from the system when first written: one pass less (18 %)."""
    if device.type == "cpu" and dtype in NUMPY_TYPES:
        return torch.from_numpy(np.zeros(shape, NUMPY_TYPES[dtype]))
    return torch.zeros(*shape, dtype=dtype, device=device)
