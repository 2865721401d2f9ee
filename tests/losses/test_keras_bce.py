import math

import pytest
import torch

from hnseg.losses import BCE, KerasBCE
from tests.losses.loops import SOME, example, mean

ONE = torch.ones(1, 1, dtype=torch.bool)
E = 1e-7


def test_equals_the_loops():
    output, target = example(soft=True)
    assert (output[SOME] < 0).any()
    assert (output[SOME] > 1).any()
    clipped = [min(max(p, E), 1 - E) for p in output[SOME].flatten().tolist()]
    pairs = zip(clipped, target[SOME].flatten().tolist(), strict=True)
    expected = mean(-(g * math.log(p + E) + (1 - g) * math.log(1 - p + E)) for p, g in pairs)
    assert KerasBCE("identity")(output, target, SOME).item() == pytest.approx(expected, abs=1e-12)


def test_value_by_hand():
    output = torch.tensor([0.25, 0.25, -3.0, 2.0], dtype=torch.float64).reshape(1, 1, 4)
    target = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64).reshape(1, 1, 4)
    # ln 4 and ln 4/3; a sure mistake costs ln of 1 over 2e-7, a right answer beyond 1 nothing
    expected = (1.3862944 + 0.2876821 + 15.4249485 + 0) / 4
    assert KerasBCE("identity")(output, target, ONE).item() == pytest.approx(expected, abs=1e-6)


def test_outside_0_and_1_nothing_pulls():
    output = torch.tensor([[[-2.0, -1e-9, 0.2, 0.7, 1.0, 5.0]]], requires_grad=True)
    KerasBCE("identity")(output, torch.ones(1, 1, 6), ONE).backward()
    # d/dp of -ln p, a sixth each
    assert output.grad.flatten().tolist() == pytest.approx([0, 0, -1 / 1.2, -1 / 4.2, 0, 0], rel=1e-5)


def test_inside_it_is_the_entropy_of_the_logits_that_a_probability_has():
    probabilities, target = example(soft=True)
    probabilities = probabilities.sigmoid()
    expected = BCE("sigmoid")(probabilities.logit(), target, SOME)
    torch.testing.assert_close(KerasBCE("identity")(probabilities, target, SOME), expected, rtol=1e-5, atol=0)


def test_structure_and_background_are_alike():
    output, target = example(soft=True)
    loss = KerasBCE("identity")
    torch.testing.assert_close(loss(1 - output, 1 - target, SOME), loss(output, target, SOME))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_logits_are_refused(activation):
    with pytest.raises(ValueError, match=r"set data\.activation=identity, or take loss=bce"):
        KerasBCE(activation)
