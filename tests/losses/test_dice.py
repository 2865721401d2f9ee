import math

import pytest
import torch

from hnseg.losses import Dice

ONE = torch.ones(1, 1, dtype=torch.bool)


def logits_of(p):
    return torch.logit(torch.as_tensor(p, dtype=torch.float64))


def naive(logits, target, counts, variant, smooth=1.0):
    losses = []
    for b in range(len(logits)):
        overlap = size = 0.0
        for c in range(logits.shape[1]):
            if counts[b, c]:
                for z, g in zip(logits[b, c].flatten().tolist(), target[b, c].flatten().tolist(), strict=True):
                    p = 1 / (1 + math.exp(-z))
                    overlap += p * g
                    size += p + g if variant == "paper" else p * p + g * g
        if counts[b].any():
            losses.append(1 - (2 * overlap + smooth) / (size + smooth))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("smooth", [1.0, 1e-3])
def test_equals_the_loops(variant, smooth):
    logits = torch.randn(3, 2, 3, 4, dtype=torch.float64)
    target = torch.rand_like(logits)
    counts = torch.tensor([[True, True], [False, True], [False, False]])
    expected = naive(logits, target, counts, variant, smooth)
    assert Dice("sigmoid", variant, smooth)(logits, target, counts).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("variant", "size"), [("paper", 1.6 + 2), ("code", 0.98 + 2)])
def test_value_by_hand(variant, size):
    p = torch.tensor([0.9, 0.2, 0.3, 0.2])  # sum p = 1.6, sum p^2 = 0.81 + 0.04 + 0.09 + 0.04 = 0.98
    target = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)  # sum p g = 1.1
    value = Dice("sigmoid", variant)(logits_of(p)[None, None], target[None, None], ONE)
    assert value.item() == pytest.approx(1 - (2 * 1.1 + 1) / (size + 1), abs=1e-6)


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_all_missed_among_60_voxels(variant):
    target = torch.ones(1, 1, 3, 4, 5)
    value = Dice("sigmoid", variant)(torch.full_like(target, -200.0), target, ONE)
    assert value.item() == pytest.approx(0.9836066, abs=1e-7)  # 1 - 1/61


def test_only_squared_sums_are_least_at_a_soft_target():
    target = torch.full((1, 1, 1000), 0.4, dtype=torch.float64)

    def best(variant):
        grid = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
        losses = [Dice("sigmoid", variant)(logits_of(p).expand_as(target), target, ONE) for p in grid]
        return grid[torch.stack(losses).argmin()].item()

    assert best("code") == pytest.approx(0.4)
    assert best("paper") == pytest.approx(0.95)


def test_softmax_counts_all_channels_together():
    logits = torch.randn(1, 3, 5, dtype=torch.float64)
    target = torch.nn.functional.one_hot(torch.tensor([[0, 1, 2, 0, 1]]), 3).movedim(-1, 1).double()
    p = logits.softmax(dim=1)
    expected = 1 - (2 * (p * target).sum() + 1) / (p.square().sum() + 5 + 1)
    torch.testing.assert_close(Dice("softmax", "code")(logits, target, torch.ones(1, 3, dtype=torch.bool)), expected)
