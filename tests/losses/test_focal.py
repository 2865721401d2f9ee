import math

import pytest
import torch

from hnseg.losses import Focal

ONE = torch.ones(1, 1, dtype=torch.bool)


def naive(logits, target, counts, variant, gamma, clamp):
    total = voxels = 0
    for b in range(len(logits)):
        for c in range(logits.shape[1]):
            if counts[b, c]:
                for z, g in zip(logits[b, c].flatten().tolist(), target[b, c].flatten().tolist(), strict=True):
                    p = 1 / (1 + math.exp(-z))
                    if variant == "code":
                        p = min(max(p, clamp), 1 - clamp)
                        total -= (1 - g) * p**gamma * math.log(1 - p)
                    total -= g * (1 - p) ** gamma * math.log(p)
                    voxels += 1
    return total / voxels


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize(("gamma", "clamp"), [(2.0, 1e-3), (1.5, 0.2)])
def test_equals_the_loops(variant, gamma, clamp):
    logits = 3 * torch.randn(2, 2, 3, 4, dtype=torch.float64)
    target = torch.rand_like(logits)
    counts = torch.tensor([[True, True], [False, True]])
    expected = naive(logits, target, counts, variant, gamma, clamp)
    value = Focal("sigmoid", gamma, variant, clamp)(logits, target, counts)
    assert value.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_half_everywhere_costs_a_quarter_of_ln_2(share):
    target = (torch.arange(60) < 60 * share).double().reshape(1, 1, 3, 4, 5)
    logits = torch.zeros_like(target)
    two_sided = Focal("sigmoid", variant="code")(logits, target, ONE)
    assert two_sided.item() == pytest.approx(0.1732868, abs=1e-7)
    one_sided = Focal("sigmoid", variant="paper")(logits, target, ONE)
    assert one_sided.item() == pytest.approx(share * 0.1732868, abs=1e-7)


def test_all_missed_among_60_voxels():
    target = torch.ones(1, 1, 3, 4, 5)
    value = Focal("sigmoid", variant="code")(torch.full_like(target, -200.0), target, ONE)
    assert value.item() == pytest.approx(6.8939462, abs=1e-6)  # 0.999^2 ln 1000


def test_one_sided_form_is_exact_where_the_probability_underflows():
    target = torch.ones(1, 1, 5)
    logits = torch.full_like(target, -200.0).requires_grad_()
    value = Focal("sigmoid", variant="paper")(logits, target, ONE)
    value.backward()
    assert value.item() == pytest.approx(200.0)
    assert logits.grad.flatten().tolist() == pytest.approx([-0.2] * 5)


def test_only_the_two_sided_form_pulls_on_background():
    logits = torch.full((1, 1, 5), 1.0, requires_grad=True)
    background = torch.zeros(1, 1, 5)
    Focal("sigmoid", variant="paper")(logits, background, ONE).backward()
    assert logits.grad.abs().max() == 0
    Focal("sigmoid", variant="code")(logits, background, ONE).backward()
    assert (logits.grad > 0).all()


def test_gamma_0_is_cross_entropy():
    logits, target = torch.randn(1, 1, 50), torch.rand(1, 1, 50)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(Focal("sigmoid", 0.0, "code", 1e-6)(logits, target, ONE), expected, atol=1e-5, rtol=1e-5)


def test_softmax_treats_each_channel_as_one_against_the_rest():
    logits, target = torch.randn(1, 3, 7, dtype=torch.float64), torch.rand(1, 3, 7, dtype=torch.float64)
    p = logits.softmax(dim=1)
    expected = -(target * (1 - p) ** 2 * p.log() + (1 - target) * p**2 * (1 - p).log()).mean()
    value = Focal("softmax", variant="code")(logits, target, torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("clamp", [0.0, 0.5, -1.0])
def test_a_clamp_that_bounds_nothing_is_refused(clamp):
    with pytest.raises(ValueError, match="clamp"):
        Focal("sigmoid", clamp=clamp)
