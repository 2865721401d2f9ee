import math

import pytest
import torch

from hnseg.losses import ClassCrossEntropy, ClassFocal, ClassTversky, WeightedSum
from tests.losses.loops import SOME, example, mean, voxels
from tests.losses.test_class_tversky import uniform

WEIGHTS = (0.5, 2.0, 3.0)


def naive(found, cost):
    samples = {}
    for (b, c), pairs in found.items():
        samples[b] = samples.get(b, 0) + WEIGHTS[c] * cost(pairs)
    return mean(samples.values())


def own_mean(pairs):
    number = sum(g for _, g in pairs)
    return sum(-g * math.log(p) for p, g in pairs) / number if number else 0


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_equals_the_loops(activation, soft):
    logits, target = example(soft=soft)
    target[0, 1] = 0
    found = voxels(logits, target, SOME, activation)
    for gamma in (2.0, 1.0):
        expected = naive(found, lambda pairs, gamma=gamma: mean(-g * (1 - p) ** gamma * math.log(p) for p, g in pairs))
        value = ClassFocal(activation, gamma, weights=WEIGHTS)(logits, target, SOME)
        assert value.item() == pytest.approx(expected, abs=1e-12)
    value = ClassCrossEntropy(activation, weights=WEIGHTS)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, own_mean) / 3, abs=1e-12)


def test_values_of_a_uniform_answer_by_hand():
    logits, target, counts = uniform()
    weights, voxels_of = (4.0, 1.0, 2.0, 3.0), (10, 3, 2, 1)
    each = 0.75**2 * math.log(4) / 16  # of a voxel, in a mean over 16
    focal = each * sum(w * n for w, n in zip(weights, voxels_of, strict=True))
    assert ClassFocal("softmax", weights=weights)(logits, target, counts).item() == pytest.approx(focal)
    entropy = math.log(4) * sum(weights) / 4
    assert ClassCrossEntropy("softmax", weights=weights)(logits, target, counts).item() == pytest.approx(entropy)
    counts = torch.tensor([[False, True, False, True]])
    value = ClassCrossEntropy("softmax", weights=weights)(logits, target, counts)
    assert value.item() == pytest.approx(math.log(4) * 4 / 4)  # weights 1 and 3, still a quarter


def test_the_loss_of_anatomynet_of_a_uniform_answer_by_hand():
    logits, target, counts = uniform()
    loss = WeightedSum({"dice": ClassTversky("softmax"), "focal": ClassFocal("softmax")}, {"dice": 1, "focal": 0.5})
    dice = sum(n / 2 / (4 + n) for n in (10, 3, 2, 1))
    expected = 4 - dice + 0.5 * 0.75**2 * math.log(4)
    assert loss(logits, target, counts).item() == pytest.approx(expected, abs=1e-4)


def test_the_focal_logarithm_ends_at_the_clamp_and_cross_entropys_does_not():
    target, counts = torch.ones(1, 1, 5), torch.ones(1, 1, dtype=torch.bool)
    logits = torch.full_like(target, -200.0).requires_grad_()
    assert ClassFocal("sigmoid")(logits, target, counts).item() == pytest.approx(-math.log(1e-6))
    value = ClassCrossEntropy("sigmoid")(logits, target, counts)
    value.backward()
    assert value.item() == pytest.approx(200)
    assert logits.grad.flatten().tolist() == pytest.approx([-0.2] * 5)


def test_cross_entropy_is_a_mean_over_a_classs_own_voxels():
    logits, target = example((1, 3, 6))
    counts = torch.ones(1, 3, dtype=torch.bool)
    twice = [tensor.repeat(1, 1, 2) for tensor in (logits, target)]
    loss = ClassCrossEntropy("softmax")
    torch.testing.assert_close(loss(*twice, counts), loss(logits, target, counts))
