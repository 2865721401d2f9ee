import math

import pytest
import torch

from hnseg.losses import Dice, FocalTversky, Tversky
from tests.losses.loops import SOME, example, mean, voxels

ONE = torch.ones(1, 1, dtype=torch.bool)


def index(pairs, alpha, beta, smooth):
    hits = sum(p * g for p, g in pairs)
    too_much = sum(p * (1 - g) for p, g in pairs)
    too_little = sum((1 - p) * g for p, g in pairs)
    return (hits + smooth) / (hits + alpha * too_much + beta * too_little + smooth)


def naive(found, variant, alpha=0.3, beta=0.7, smooth=1.0, power=1.0):
    groups = found.values() if variant == "paper" else [[pair for pairs in found.values() for pair in pairs]]
    return mean((1 - index(pairs, alpha, beta, smooth)) ** power for pairs in groups)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("variant", ["paper", "code"])
def test_equals_the_loops(variant, activation, soft):
    logits, target = example(soft=soft)
    found = voxels(logits, target, SOME, activation)
    value = Tversky(activation, variant=variant)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, variant), abs=1e-12)
    value = Tversky(activation, 0.6, 0.2, 0.01, variant)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, variant, 0.6, 0.2, 0.01), abs=1e-12)
    value = FocalTversky(activation, variant=variant)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, variant, power=0.75), abs=1e-12)


def test_value_by_hand():
    p = torch.tensor([0.9, 0.2, 0.3, 0.2], dtype=torch.float64)
    target = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)  # TP 1.1, FP 0.5, FN 0.9
    value = Tversky("sigmoid")(p.logit()[None, None], target[None, None], ONE)
    assert value.item() == pytest.approx(1 - 2.1 / (2.1 + 0.3 * 0.5 + 0.7 * 0.9))
    value = FocalTversky("sigmoid", power=2)(p.logit()[None, None], target[None, None], ONE)
    assert value.item() == pytest.approx((1 - 2.1 / 2.88) ** 2)


def test_equal_prices_give_dice_with_plain_sums():
    logits, target = example((3, 1, 5))
    counts = torch.ones(3, 1, dtype=torch.bool)
    torch.testing.assert_close(
        Tversky("sigmoid", 0.5, 0.5, smooth=1)(logits, target, counts),
        Dice("sigmoid", "paper", smooth=2)(logits, target, counts),
    )


def test_the_codes_index_does_not_see_where_a_sample_ends():
    logits, target = example((2, 1, 6))
    whole = logits.reshape(1, 1, 12), target.reshape(1, 1, 12), ONE
    apart = logits, target, ONE.expand(2, 1)
    code, paper = Tversky("sigmoid", variant="code"), Tversky("sigmoid", variant="paper")
    torch.testing.assert_close(code(*apart), code(*whole))
    assert (paper(*apart) - paper(*whole)).abs() > 1e-4


def test_a_miss_costs_more_than_a_false_alarm():
    target = torch.tensor([[[1.0, 1, 1, 0, 0, 0]]])
    missed, alarm = torch.tensor([[[1.0, 1, 0, 0, 0, 0]]]), torch.tensor([[[1.0, 1, 1, 1, 0, 0]]])
    loss = Tversky("sigmoid")
    assert loss((missed - 0.5) * 100, target, ONE) > loss((alarm - 0.5) * 100, target, ONE)


def test_the_slope_is_finite_at_a_perfect_answer_and_the_line_meets_the_curve():
    target = torch.tensor([[[1.0, 1, 0, 0]]], dtype=torch.float64)
    near = ((target - 0.5) * 32).requires_grad_()  # the loss is near 1e-7
    FocalTversky("sigmoid")(near, target, ONE).backward()
    assert near.grad.isfinite().all()
    loss = FocalTversky("sigmoid")(near, target, ONE).item()
    plain = Tversky("sigmoid")(near, target, ONE).item()
    assert plain < 1e-7
    assert loss == pytest.approx(plain * 1e-7**-0.25)
    exact = ((target - 0.5) * math.inf).nan_to_num(posinf=1e4, neginf=-1e4).requires_grad_()
    value = FocalTversky("sigmoid")(exact, target, ONE)
    value.backward()
    assert value == 0
    assert exact.grad.isfinite().all()


def test_equals_monai():
    losses = pytest.importorskip("monai.losses")
    logits, target = example((2, 3, 4, 5))
    counts = torch.ones(2, 3, dtype=torch.bool)
    theirs = losses.TverskyLoss(alpha=0.3, beta=0.7, sigmoid=True, smooth_nr=1, smooth_dr=1)(logits, target)
    torch.testing.assert_close(Tversky("sigmoid")(logits, target, counts), theirs)


def test_a_power_that_rewards_mistakes_is_refused():
    with pytest.raises(ValueError, match="power"):
        FocalTversky("sigmoid", power=0)
