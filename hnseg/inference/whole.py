"""A network over a whole image in one pass: what a search region that fits into memory gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hnseg.inference.padding import as_fill, next_multiple, pad_to


def whole_image(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    divisor: int | Sequence[int] = 1,
    fill: float | Sequence[float] = 0.0,
    device: torch.device | str | None = None,
) -> Tensor:
    """Apply ``network`` to all of ``image`` at once.

    Args:
        network: (1, C, *s) to (1, K, *s), on ``device``, for sizes that ``divisor`` divides.
        image: (C, *s).
        divisor: what the network needs every axis to be a multiple of; one number, or one an axis.
        fill: what to pad with up to such a size: one value, or one a channel.
        device: where the network is; the image's device when not given.

    Returns:
        (K, *s) on the image's device; what was padded is cut off again.
    """
    padded, inside = pad_to(image, next_multiple(image.shape[1:], divisor), as_fill(fill, image.shape[0]))
    output = network(padded[None].to(device or image.device))
    assert output.shape[2:] == padded.shape[1:], f"image {padded.shape[1:]} in, {output.shape[2:]} out"
    return output[0].to(image.device)[(slice(None), *inside)]
