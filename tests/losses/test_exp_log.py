import math

import pytest
import torch

from hnseg.losses import ExpLog
from tests.losses.loops import SOME, example, voxels

ONE = torch.ones(1, 1, dtype=torch.bool)


def naive(found, activation, gamma=0.3, smooth=1.0, given=None, weights=(1, 1, 1)):
    dice = [
        (2 * sum(p * g for p, g in pairs) + smooth) / (sum(p + g for p, g in pairs) + smooth)
        for pairs in found.values()
    ]
    shares = [weights[c] for _, c in found]
    first = sum(w * (-math.log(d)) ** gamma for w, d in zip(shares, dice, strict=True)) / sum(shares)
    each = {}
    for (_, c), pairs in found.items():
        each.setdefault((c, 0), []).extend(pairs)
        if activation == "sigmoid":
            each.setdefault((c, 1), []).extend((1 - p, 1 - g) for p, g in pairs)
    sizes = {name: sum(g for _, g in pairs) for name, pairs in each.items()}
    everything = sum(sizes.values())
    cross = 0.0
    for (c, rest), pairs in each.items():
        rivals = everything if activation == "softmax" else sizes[c, 0] + sizes[c, 1]
        weight = math.sqrt(rivals / sizes[c, rest]) if sizes[c, rest] else 0
        if given is not None:
            weight = 1 if rest else given[c]
        cross += weight * sum(g * (-math.log(p)) ** gamma for p, g in pairs)
    return 0.8 * first + 0.2 * cross / everything


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
def test_equals_the_loops(activation, gamma, soft):
    logits, target = example(soft=soft)
    found = voxels(logits, target, SOME, activation)
    value = ExpLog(activation, gamma, gamma)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, activation, gamma), abs=1e-12)
    given = [0.5, 2.0, 3.0]
    value = ExpLog(activation, gamma, gamma, label_weights=given)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, activation, gamma, given=given), abs=1e-12)
    value = ExpLog(activation, gamma, gamma, dice_weights=given)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, activation, gamma, weights=given), abs=1e-12)


def test_value_by_hand():
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])  # a half everywhere: Dice (2 * 0.5 + 1) / (2 + 1 + 1)
    half = math.log(2)
    weights = 2 + 3 * math.sqrt(4 / 3)  # sqrt(4/1) once, sqrt(4/3) three times
    value = ExpLog("sigmoid")(torch.zeros_like(target), target, ONE)
    assert value.item() == pytest.approx(0.8 * half**0.3 + 0.2 * weights / 4 * half**0.3)


def test_a_perfect_answer_costs_exactly_nothing_and_its_slope_is_finite():
    target = torch.tensor([[[1.0, 1, 0, 0]]])
    logits = ((target - 0.5) * 2e4).requires_grad_()
    value = ExpLog("sigmoid")(logits, target, ONE)
    value.backward()
    assert value == 0
    assert logits.grad.isfinite().all()


def test_gammas_and_weights_are_of_their_own_terms():
    logits, target = example((1, 1, 8))
    dice, cross = (ExpLog("sigmoid", weight_dice=w, weight_cross=1 - w)(logits, target, ONE) for w in (1.0, 0.0))
    both = ExpLog("sigmoid")(logits, target, ONE)
    torch.testing.assert_close(both, 0.8 * dice + 0.2 * cross)
    torch.testing.assert_close(ExpLog("sigmoid", gamma_cross=2.0, weight_cross=0.0)(logits, target, ONE), 0.8 * dice)
    torch.testing.assert_close(ExpLog("sigmoid", gamma_dice=2.0, weight_dice=0.0)(logits, target, ONE), 0.2 * cross)


def test_weights_of_other_channels_are_refused():
    logits, target = example()
    with pytest.raises(ValueError, match="2 weights are given for 3 channels"):
        ExpLog("softmax", label_weights=[1.0, 2.0])(logits, target, SOME)
    with pytest.raises(ValueError, match="from 0 on"):
        ExpLog("softmax", label_weights=[-1.0])
