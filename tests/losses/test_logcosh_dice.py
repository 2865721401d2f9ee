import math

import pytest
import torch

from hnseg.losses import Dice, LogCoshDice
from tests.losses.loops import SOME, example, mean, voxels


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("variant", ["paper", "code"])
def test_equals_the_loops(variant, activation):
    logits, target = example(soft=True)
    found = voxels(logits, target, SOME, activation)
    losses = []
    for sample in (0, 1):
        pairs = [pair for (b, _), channel in found.items() if b == sample for pair in channel]
        size = sum(p + g if variant == "paper" else p * p + g * g for p, g in pairs)
        losses.append(1 - (2 * sum(p * g for p, g in pairs) + 1) / (size + 1))
    dice = mean(losses)
    expected = math.log((math.exp(dice) + math.exp(-dice)) / 2)
    assert LogCoshDice(activation, variant)(logits, target, SOME).item() == pytest.approx(expected, abs=1e-12)


def test_value_by_hand():
    target = torch.ones(1, 1, 3)  # nothing found of three voxels: Dice loss 1 - 1/4
    value = LogCoshDice("sigmoid")(torch.full_like(target, -200.0), target, torch.ones(1, 1, dtype=torch.bool))
    assert value.item() == pytest.approx(math.log(math.cosh(0.75)), abs=1e-7)


def test_the_slope_falls_with_the_loss():
    """Its gradient is that of Dice times tanh of Dice."""
    logits, target = example((2, 1, 4))
    counts = torch.ones(2, 1, dtype=torch.bool)
    z = logits.clone().requires_grad_()
    dice = Dice("sigmoid")(z, target, counts)
    (of_dice,) = torch.autograd.grad(dice, z)
    (gradient,) = torch.autograd.grad(LogCoshDice("sigmoid")(z, target, counts), z)
    torch.testing.assert_close(gradient, of_dice * dice.detach().tanh())
