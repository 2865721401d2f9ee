"""A network over an image that is larger than its window: overlapping windows, averaged with weights.

The average is over whatever the callable returns. hnseg passes *probabilities*, not logits: they stay in [0, 1], so the
sums are safe in half precision, and a window that is sure and wrong cannot outvote its neighbours as a large logit
would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hnseg.inference.padding import Slices, as_fill, pad_to

Network = Callable[[Tensor], Tensor]
Weighting = Literal["gaussian", "constant"]

SIGMA_OF_WINDOW = 0.125
"""Standard deviation of the Gaussian weights as a part of the window's side (the value of nnU-Net and of MONAI)."""
LEAST_WEIGHT = 1e-3
"""No voxel weighs less than this against a window's centre: a corner that one window alone covers must not vanish."""

NUMPY_TYPES = {torch.float32: np.float32, torch.float16: np.float16}


def sliding_window(
    network: Network,
    image: Tensor,
    window_zyx: Sequence[int],
    overlap: float = 0.5,
    weighting: Weighting = "gaussian",
    batch_size: int = 1,
    fill: float | Sequence[float] = 0.0,
    device: torch.device | str | None = None,
    accumulate_dtype: torch.dtype = torch.float32,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Apply ``network`` to overlapping windows of ``image`` and average them.

    Source of the weights: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z, "Inference" (Gaussian importance);
    width and least weight as in MONAI 1.6, to which the result is equal where the windows lie alike. Departure: windows
    are spread evenly, so the last one does not overlap its neighbour more than the others do; there are as many.

    Beside ``image`` it holds the sums (K, *s) and one window; the sums of the weights are made at the end, a slab at a
    time, so no map of them of the image's size exists.

    Args:
        network: (B, C, *window) to (B, K, *window), on ``device``. Normalisation belongs into it, because some
            normalise each window by its own mean. It must leave its input as it is.
        image: (C, *s). It may lie on another device than the network; the result lies where the image does.
        window_zyx: size of a window, an axis each; ``(1, Y, X)`` gives a 2-D network its slices.
        overlap: part of a window that it shares with the next one, 0 <= overlap < 1.
        weighting: ``gaussian`` or ``constant``.
        batch_size: windows in one call.
        fill: what to pad with where the image is smaller than the window: one value, or one a channel.
        device: where the network is; the image's device when not given.
        accumulate_dtype: type of the sums and of the result; float16 halves the memory.
        progress: called with (windows done, windows in all) after every call of the network.

    Returns:
        (K, *s) in ``accumulate_dtype``.

    Raises:
        ValueError: overlap outside [0, 1), a window that does not fit the image's axes, a batch size below 1.
    """
    _check(image, window_zyx, overlap, batch_size)
    padded, inside = pad_to(image, window_zyx, as_fill(fill, image.shape[0]))
    size = padded.shape[1:]
    starts = [window_starts(n, w, overlap) for n, w in zip(size, window_zyx, strict=True)]
    weight = window_weight(window_zyx, weighting, image.device)
    windows = [tuple(slice(a, a + w) for a, w in zip(at, window_zyx, strict=True)) for at in product(*starts)]

    sums: Tensor | None = None
    done = 0
    for outputs, places in _outputs(network, padded, windows, batch_size, device or image.device):
        outputs = outputs.to(image.device, accumulate_dtype)
        if len(windows) == 1:
            return outputs[0][(slice(None), *inside)]
        if sums is None:
            sums = _zeros((outputs.shape[1], *size), accumulate_dtype, image.device)
            weight = weight.to(accumulate_dtype)
        for output, place in zip(outputs, places, strict=True):
            sums[(slice(None), *place)].addcmul_(output, weight)
        done += len(places)
        if progress:
            progress(done, len(windows))
    assert sums is not None
    _divide_by_weights(sums, weight, starts)
    return sums[(slice(None), *inside)]


def window_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of the windows along an axis: both ends covered, evenly spread, at least ``overlap`` shared."""
    assert size >= window
    step = max(int(window * (1 - overlap)), 1)
    gaps = -(-(size - window) // step)
    return [(2 * i * (size - window) + gaps) // (2 * gaps) for i in range(gaps + 1)] if gaps else [0]


def window_weight(window_zyx: Sequence[int], weighting: Weighting, device: torch.device | str = "cpu") -> Tensor:
    """(*window) float32: how much each voxel of a window counts; 1 at its centre."""
    if weighting not in ("gaussian", "constant"):
        raise ValueError(f"weighting {weighting!r} is not known; use gaussian or constant")
    weight = torch.ones(tuple(window_zyx), device=device)
    if weighting == "constant":
        return weight
    for axis, width in enumerate(window_zyx):
        offset = torch.arange(width, dtype=torch.float32, device=device) - (width - 1) / 2
        profile = torch.exp(-0.5 * (offset / (SIGMA_OF_WINDOW * width)) ** 2)
        weight *= profile.reshape([-1 if a == axis else 1 for a in range(len(window_zyx))])
    return weight.clamp_(min=LEAST_WEIGHT)


def _outputs(
    network: Network, image: Tensor, windows: Sequence[Slices], batch_size: int, device: torch.device | str
) -> Iterator[tuple[Tensor, Sequence[Slices]]]:
    """The network's answer (B, K, *window) for each batch of windows, and where they lie."""
    for first in range(0, len(windows), batch_size):
        places = windows[first : first + batch_size]
        parts = [image[(slice(None), *place)] for place in places]
        patches = (torch.stack(parts) if len(parts) > 1 else parts[0][None]).to(device)  # one alone is not copied
        outputs = network(patches)
        assert outputs.shape[0] == len(places), f"{len(places)} windows in, {outputs.shape[0]} out"
        assert outputs.shape[2:] == patches.shape[2:], f"windows {patches.shape[2:]} in, {outputs.shape[2:]} out"
        yield outputs, places


def _zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeros; on a CPU from numpy, whose pages come zeroed from the system when first written: one pass less (18 %)."""
    if device.type == "cpu" and dtype in NUMPY_TYPES:
        return torch.from_numpy(np.zeros(shape, NUMPY_TYPES[dtype]))
    return torch.zeros(*shape, dtype=dtype, device=device)


def _divide_by_weights(sums: Tensor, weight: Tensor, starts: Sequence[Sequence[int]]) -> None:
    """Divide ``sums`` (K, *s) in place by the weights that met in each voxel.

    Between two neighbouring first or last slices of windows the same windows lie above each other, so the slabs
    between them are done one after the other, in one buffer.
    """
    weight = weight.float()  # the very numbers that were multiplied by, summed up without further rounding
    depth = weight.shape[0]
    slabs = list(pairwise(sorted({*starts[0], *(start + depth for start in starts[0])})))
    buffer = torch.empty((max(high - low for low, high in slabs), *sums.shape[2:]), device=sums.device)
    for low, high in slabs:
        total = buffer[: high - low].zero_()
        for first, *at in product(*starts):
            if first <= low and high <= first + depth:
                inside = tuple(slice(a, a + w) for a, w in zip(at, weight.shape[1:], strict=True))
                total[(slice(None), *inside)] += weight[low - first : high - first]
        sums[:, low:high] /= total


def _check(image: Tensor, window_zyx: Sequence[int], overlap: float, batch_size: int) -> None:
    if len(window_zyx) != image.ndim - 1 or min(window_zyx) < 1:
        raise ValueError(
            f"window {tuple(window_zyx)} does not fit an image of shape {tuple(image.shape)} (channels first)"
        )
    if not 0 <= overlap < 1:
        raise ValueError(
            f"overlap {overlap} is not in [0, 1); 0.5 lets each window share half of its side with the next"
        )
    if batch_size < 1:
        raise ValueError(f"batch size {batch_size} is below 1")
