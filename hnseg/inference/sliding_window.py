"""A network over an image that is larger than its window: overlapping windows, averaged with weights.

The average is over whatever the callable returns. hnseg passes *probabilities*, not logits: they stay in [0, 1], so the
sums are safe in half precision, and a window that is sure and wrong cannot outvote its neighbours as a large logit
would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from hnseg.inference.window_sums import WindowSums
from hnseg.inference.windows import Weighting, Windows, lay_out

Network = Callable[[Tensor], Tensor]


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

    Beside ``image`` it holds the sums (K, *s) and one window; the sums of the weights are made a slab at a time, so no
    map of them of the image's size exists.

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
    windows = lay_out(image, window_zyx, overlap, weighting, batch_size, fill)
    for sums, until in _walk(network, windows, windows.image.shape[1], device, accumulate_dtype, progress):
        sums.finish(until)
    return sums.array[(slice(None), *windows.inside)]


def finished_slabs(
    network: Network,
    image: Tensor,
    window_zyx: Sequence[int],
    overlap: float = 0.5,
    weighting: Weighting = "gaussian",
    batch_size: int = 1,
    fill: float | Sequence[float] = 0.0,
    device: torch.device | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Tensor]:
    """The answer of `sliding_window`, to the last bit, a slab at a time, as soon as no window comes to it any more.

    Beside ``image`` it holds as many slices of the sums as the windows of one call reach: with half of a window shared,
    and slabs used as they come, (K, window, Y, X) instead of (K, Z, Y, X).

    Args: as of `sliding_window`.

    Yields:
        (K, slices, *s) float32 from the first slice to the last, together those of the image. A slab is good until the
        next one is asked for.
    """
    windows = lay_out(image, window_zyx, overlap, weighting, batch_size, fill)
    for sums, until in _walk(network, windows, windows.reach(), device, torch.float32, progress):
        slab = sums.finish(until)
        if slab.shape[1]:
            yield slab[(slice(None), *windows.inside)]
        sums.forget()


def _walk(
    network: Network,
    windows: Windows,
    held: int,
    device: torch.device | str | None,
    dtype: torch.dtype,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[WindowSums, int]]:
    """After each call of the network: the sums, and the first slice that the windows to come still reach."""
    sums: WindowSums | None = None
    done = 0
    for places in windows.calls():
        parts = [windows.image[(slice(None), *place)] for place in places]
        patches = (torch.stack(parts) if len(parts) > 1 else parts[0][None]).to(device or windows.image.device)
        outputs = network(patches)
        assert outputs.shape[0] == len(places), f"{len(places)} windows in, {outputs.shape[0]} out"
        assert outputs.shape[2:] == patches.shape[2:], f"windows {patches.shape[2:]} in, {outputs.shape[2:]} out"
        outputs = outputs.to(windows.image.device, dtype)
        if sums is None:
            shape = (outputs.shape[1], *windows.image.shape[1:])
            sums = WindowSums(shape, held, windows.starts, windows.weight.to(dtype), windows.image.device)
        for output, place in zip(outputs, places, strict=True):
            sums.add(output, place)
        done += len(places)
        if progress:
            progress(done, len(windows.places))
        yield sums, windows.places[done][0].start if done < len(windows.places) else windows.image.shape[1]
