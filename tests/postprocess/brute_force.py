"""The same mean field the long way: every pair of voxels, in double precision."""

from __future__ import annotations

import torch
from torch import Tensor

from hnseg.postprocess import Crf, Scene


def refine(crf: Crf, probabilities: Tensor, scene: Scene, exclusive: bool, half: int | None = None) -> Tensor:
    """What ``crf`` should give; with ``half``, pairs further apart than that along any axis do not count."""
    pairs = pair_weights(crf, scene, half)
    if exclusive:
        return _mean_field(probabilities, pairs, crf.iterations)
    each = (_mean_field(torch.stack([1 - p, p]), pairs, crf.iterations)[1] for p in probabilities)
    return torch.stack(list(each))


def pair_weights(crf: Crf, scene: Scene, half: int | None = None) -> Tensor:
    shape = scene.image.shape[1:]
    index = torch.cartesian_prod(*(torch.arange(size) for size in shape)).double()
    mm = index * torch.tensor(scene.spacing_mm, dtype=torch.float64)
    columns = []
    for name, image in zip(scene.modalities, scene.image.double(), strict=True):
        low, high = crf.intensity_range[name]
        grey = (image.clamp(low, high) - low) / (high - low) * 255
        columns.append(grey.flatten() / crf.intensity_std[name])
    near = mm / torch.tensor(crf.position_std_mm, dtype=torch.float64)
    alike = torch.cat([mm / torch.tensor(crf.bilateral_std_mm, dtype=torch.float64), torch.stack(columns, 1)], dim=1)
    counts = torch.ones(len(mm), len(mm), dtype=torch.float64)
    if half is not None:
        counts = ((index[:, None] - index[None]).abs() <= half).all(dim=2).double()
    return sum(
        weight * _normalized(_gaussian(features) * counts, crf.normalization)
        for weight, features in ((crf.position_weight, near), (crf.bilateral_weight, alike))
    )


def _gaussian(features: Tensor) -> Tensor:
    distance = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.exp(-(distance**2) / 2)


def _normalized(kernel: Tensor, how: str) -> Tensor:
    sums = kernel.sum(dim=1)
    return {
        "symmetric": kernel / torch.sqrt(torch.outer(sums, sums)),
        "before": kernel / sums[None, :],
        "after": kernel / sums[:, None],
    }[how]


def _mean_field(probabilities: Tensor, pairs: Tensor, iterations: int) -> Tensor:
    unary = probabilities.double().flatten(1).clamp(1e-5, 1).log()
    belief = unary.softmax(dim=0)
    for _ in range(iterations):
        belief = (unary + belief @ pairs.T).softmax(dim=0)
    return belief.view(probabilities.shape).float()
