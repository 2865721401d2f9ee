import math

import pytest
import torch

from hnseg.losses import Combo
from tests.losses.loops import SOME, example, mean, voxels

ONE = torch.ones(1, 1, dtype=torch.bool)


def naive(found, variant, alpha, beta, smooth=1.0):
    pairs = [pair for pairs in found.values() for pair in pairs]
    if variant == "paper":
        cross = mean(-(beta * g * math.log(p) + (1 - beta) * (1 - g) * math.log(1 - p)) for p, g in pairs)
        groups = found.values()
    else:
        cross = mean(-beta * (g * math.log(p) + (1 - beta) * (1 - g) * math.log(1 - p)) for p, g in pairs)
        groups = [pairs]
    dice = mean(
        (2 * sum(p * g for p, g in group) + smooth) / (sum(p + g for p, g in group) + smooth) for group in groups
    )
    return alpha * cross - (1 - alpha) * dice


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.3), (0.5, 0.8)])
def test_equals_the_loops(variant, activation, alpha, beta):
    logits, target = example(soft=True)
    expected = naive(voxels(logits, target, SOME, activation), variant, alpha, beta)
    value = Combo(activation, alpha, beta, variant=variant)(logits, target, SOME)
    assert value.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("variant", "weights"), [("paper", (0.3, 0.7)), ("code", (0.3, 0.21))])
def test_value_by_hand(variant, weights):
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])  # a half everywhere: Dice (2 * 0.5 + 1) / (2 + 1 + 1)
    cross = math.log(2) * (weights[0] + 3 * weights[1]) / 4
    value = Combo("sigmoid", variant=variant)(torch.zeros_like(target), target, ONE)
    assert value.item() == pytest.approx(0.3 * cross - 0.7 * 0.5)


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_a_sure_answer_is_finite_where_a_logarithm_of_probabilities_is_not(variant):
    target = torch.tensor([[[1.0, 0.0]]])
    p = torch.tensor([[[1.0, 0.0]]])
    clamped = p.clamp(1e-9, 1 - 1e-9)
    assert (target * clamped.log() + (1 - target) * (1 - clamped).log()).isnan().any()
    loss = Combo("sigmoid", variant=variant)
    assert loss(p * 2e4 - 1e4, target, ONE).item() == pytest.approx(-0.7)  # alpha - 1
    wrong = loss(1e4 - p * 2e4, target, ONE)
    assert wrong.isfinite()
    assert wrong > 300


def test_beta_prices_a_miss_above_a_false_alarm_in_the_code_whatever_it_is():
    target = torch.tensor([[[1.0, 0.0]]])
    missed, alarm = torch.tensor([[[-3.0, -3.0]]]), torch.tensor([[[3.0, 3.0]]])
    for beta in (0.1, 0.5, 0.9):
        code, paper = (Combo("sigmoid", 1.0, beta, variant=variant) for variant in ("code", "paper"))
        assert code(missed, target, ONE) > code(alarm, target, ONE)
        assert (paper(missed, target, ONE) > paper(alarm, target, ONE)) == (beta > 0.5)
