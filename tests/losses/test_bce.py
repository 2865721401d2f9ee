import math

import pytest
import torch

from hnseg.losses import BCE, CrossEntropy, Focal
from tests.losses.loops import SOME, example, mean, voxels


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_equals_the_loops(activation):
    logits, target = example(soft=True)
    found = voxels(logits, target, SOME, activation)
    expected = mean(-(g * math.log(p) + (1 - g) * math.log(1 - p)) for pairs in found.values() for p, g in pairs)
    assert BCE(activation)(logits, target, SOME).item() == pytest.approx(expected, abs=1e-12)


def test_value_by_hand_and_torch():
    counts = torch.ones(1, 1, dtype=torch.bool)
    assert BCE("sigmoid")(torch.zeros(1, 1, 7), torch.rand(1, 1, 7), counts).item() == pytest.approx(math.log(2))
    logits, target = example((1, 1, 20), soft=True)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(BCE("sigmoid")(logits, target, counts), expected)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_sure_mistake_costs_its_logit_and_is_pulled_back(activation):
    logits = torch.tensor([[[1e4], [0.0]]], requires_grad=True)
    target = torch.tensor([[[0.0], [1.0]]])
    value = BCE(activation)(logits, target, torch.tensor([[True, False]]))
    value.backward()
    assert value.item() == pytest.approx(1e4)
    assert logits.grad.flatten().tolist() == [1.0, 0.0]


def test_it_is_focal_without_focus_and_the_binary_cross_entropy():
    logits, target = example(soft=True)
    torch.testing.assert_close(
        BCE("softmax")(logits, target, SOME), Focal("softmax", 0.0, "code", 1e-9)(logits, target, SOME)
    )
    torch.testing.assert_close(BCE("sigmoid")(logits, target, SOME), CrossEntropy("sigmoid")(logits, target, SOME))
