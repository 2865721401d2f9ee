"""What the naive versions share: counting voxels as plain numbers, from plain loops."""

import math

import torch

SOME = torch.tensor([[True, True, False], [False, True, True], [False, False, False]])
"""Of (3, 3): both some and no channels of a sample."""


def example(shape=(3, 3, 2, 4), seed=0, soft=False):
    """Logits and target; the target is one-hot over channels unless ``soft``."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
    target = torch.rand(shape, generator=generator, dtype=torch.float64)
    return logits, target if soft else (target == target.amax(dim=1, keepdim=True)).double()


def voxels(logits, target, counts, activation):
    """``{(sample, channel): [(p, g), ...]}`` of the channels that count."""
    found = {}
    for b, c in counts.nonzero().tolist():
        rows = [channel.flatten().tolist() for channel in logits[b]]
        truth = target[b, c].flatten().tolist()
        if activation == "sigmoid":
            p = [1 / (1 + math.exp(-z)) for z in rows[c]]
        else:
            p = [math.exp(column[c]) / sum(math.exp(z) for z in column) for column in zip(*rows, strict=True)]
        found[b, c] = list(zip(p, truth, strict=True))
    return found


def mean(values):
    values = list(values)
    return sum(values) / len(values)
