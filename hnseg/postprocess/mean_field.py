"""Mean field of a fully connected conditional random field with Potts compatibility."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hnseg.postprocess.kernels import Kernel

SMALLEST = 1e-5
"""Probabilities are kept this far from 0 and 1: an energy must be finite for neighbours to have a say."""


def mean_field(probabilities: Tensor, kernels: Sequence[Kernel], iterations: int) -> Tensor:
    """Labels that exclude each other: ``Q_i(l) ~ p_i(l) exp(sum_m (K_m Q(l))_i)``, from ``Q = p``.

    Krähenbühl and Koltun 2011, arXiv:1210.5644, algorithm 1 with the Potts model of its section 4. Departures, both
    as in the authors' own program: the kernels are normalised, and a voxel hears itself, too.

    Args:
        probabilities: (L, Z, Y, X), at least two labels.
        kernels: already weighted.
        iterations: 1 or more.

    Returns:
        (L, Z, Y, X) float32 that add up to 1 over the labels.
    """
    unary = probabilities.float().clamp(SMALLEST, 1.0).log_()
    total = _messages(torch.ones_like(unary[:1]), kernels)
    belief = unary.softmax(dim=0)
    for _ in range(iterations):
        messages = _messages(belief[1:], kernels)
        # the beliefs add up to 1, so their messages add up to that of ones, and the first label needs no kernel
        first = total - messages.sum(dim=0, keepdim=True)
        belief = torch.cat([first, messages]).add_(unary).softmax(dim=0)
    return belief


def mean_field_each(probabilities: Tensor, kernels: Sequence[Kernel], iterations: int) -> Tensor:
    """Structures that may overlap: for each, :func:`mean_field` of ``[1 - p, p]``, and Q of the structure.

    Args:
        probabilities: (S, Z, Y, X).
        kernels: already weighted.
        iterations: 1 or more.

    Returns:
        (S, Z, Y, X) float32.
    """
    probabilities = probabilities.float()
    unary = probabilities.clamp(SMALLEST, 1.0).log_() - (1 - probabilities).clamp_(SMALLEST, 1.0).log_()
    total = _messages(torch.ones_like(unary[:1]), kernels)
    belief = unary.sigmoid()
    for _ in range(iterations):
        belief = (2 * _messages(belief, kernels) - total).add_(unary).sigmoid_()
    return belief


def _messages(belief: Tensor, kernels: Sequence[Kernel]) -> Tensor:
    messages = torch.zeros_like(belief)
    for kernel in kernels:
        messages += kernel(belief)
    return messages
