import math

import pytest
import torch
import torch.nn.functional as F

from hnseg.losses import CrossEntropy, WeightedCrossEntropy
from tests.losses.loops import SOME, example, mean, voxels

ALL = torch.ones(3, 3, dtype=torch.bool)


def classes(found, activation):
    """``{class: [(p, share of a voxel), ...]}``; with sigmoid a channel has two classes."""
    each = {}
    for (_, c), pairs in found.items():
        each.setdefault((c, "in"), []).extend(pairs)
        if activation == "sigmoid":
            each.setdefault((c, "out"), []).extend((1 - p, 1 - g) for p, g in pairs)
    return each


def naive(found, activation, weight):
    """``weight(channel, "in" or "out", voxels)`` of each class."""
    above = below = 0.0
    for name, pairs in classes(found, activation).items():
        number = sum(g for _, g in pairs)
        above += weight(*name, number) * sum(-g * math.log(p) for p, g in pairs)
        below += weight(*name, number) * number
    return above / below


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_equals_the_loops(activation, soft):
    logits, target = example(soft=soft)
    found = voxels(logits, target, SOME, activation)
    value = CrossEntropy(activation)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, activation, lambda *_: 1), abs=1e-12)
    given = [0.5, 2.0, 3.0]
    value = WeightedCrossEntropy(activation, given)(logits, target, SOME)
    expected = naive(found, activation, lambda c, side, _: given[c] if side == "in" else 1)
    assert value.item() == pytest.approx(expected, abs=1e-12)
    value = WeightedCrossEntropy(activation)(logits, target, SOME)
    expected = naive(found, activation, lambda *about: 1 / about[-1] if about[-1] else 0)
    assert value.item() == pytest.approx(expected, abs=1e-12)


def test_equals_torch():
    logits, target = example()
    index = target.argmax(dim=1)
    torch.testing.assert_close(CrossEntropy("softmax")(logits, target, ALL), F.cross_entropy(logits, index))
    weights = [1e-10, 0.7, 5.0]
    torch.testing.assert_close(
        WeightedCrossEntropy("softmax", weights)(logits, target, ALL),
        F.cross_entropy(logits, index, torch.tensor(weights, dtype=torch.float64)),
    )
    unknown = torch.tensor([[True, True, False]]).expand(3, 3)
    torch.testing.assert_close(
        CrossEntropy("softmax")(logits, target, unknown), F.cross_entropy(logits, index, ignore_index=2)
    )
    torch.testing.assert_close(
        CrossEntropy("sigmoid")(logits, target, ALL), F.binary_cross_entropy_with_logits(logits, target)
    )


def test_values_by_hand():
    target = torch.tensor([[[1.0, 1, 1, 0], [0, 0, 0, 1]]])
    counts = torch.ones(1, 2, dtype=torch.bool)
    p = torch.tensor([0.9, 0.9, 0.9, 0.6])  # of channel 0
    logits = torch.stack([p, 1 - p]).log()[None]
    right, wrong = -math.log(0.9), -math.log(0.4)
    assert CrossEntropy("softmax")(logits, target, counts).item() == pytest.approx((3 * right + wrong) / 4)
    assert WeightedCrossEntropy("softmax")(logits, target, counts).item() == pytest.approx((right + wrong) / 2)
    weighted = WeightedCrossEntropy("softmax", [1, 5])(logits, target, counts)
    assert weighted.item() == pytest.approx((3 * right + 5 * wrong) / 8)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_each_class_says_as_much_however_often_its_voxels_are_repeated(activation):
    logits, target = example((1, 3, 6))
    target[..., 0] = torch.tensor([1.0, 0, 0])
    counts = torch.ones(1, 3, dtype=torch.bool)
    if activation == "sigmoid":  # a channel's rest is not a class of one kind of voxel, so take a single channel
        logits, target, counts = logits[:, :1], target[:, :1], counts[:, :1]
    background = target[0, 0] > 0
    longer = [torch.cat([tensor, *[tensor[..., background]] * 9], dim=-1) for tensor in (logits, target)]
    balanced, plain = WeightedCrossEntropy(activation), CrossEntropy(activation)
    torch.testing.assert_close(balanced(*longer, counts), balanced(logits, target, counts))
    assert (plain(*longer, counts) - plain(logits, target, counts)).abs() > 1e-3


def test_absent_classes_have_no_say():
    logits, target = example((1, 3, 6))
    target[:, 2], target[:, 1] = 0, 1 - target[:, 0]
    found = voxels(logits, target, torch.ones(1, 3, dtype=torch.bool), "softmax")
    each = [mean(-math.log(p) for p, g in found[0, c] if g) for c in (0, 1)]
    value = WeightedCrossEntropy("softmax")(logits, target, torch.ones(1, 3, dtype=torch.bool))
    assert value.item() == pytest.approx(mean(each))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_weights_of_other_channels_are_refused(activation):
    logits, target = example()
    with pytest.raises(ValueError, match="2 weights are given for 3 channels"):
        WeightedCrossEntropy(activation, [1.0, 2.0])(logits, target, ALL)
    for weights in ([], [1.0, -1.0]):
        with pytest.raises(ValueError, match="from 0 on"):
            WeightedCrossEntropy(activation, weights)


def test_the_ten_weights_of_jain_hardly_let_the_background_speak():
    weights = [1e-10, 0.007, 0.3296, 0.0046, 0.2619, 0.3035, 0.0068, 0.0065, 0.0374, 0.0426]
    labels = torch.tensor([0] * 50 + list(range(1, 10)))
    target = torch.nn.functional.one_hot(labels, 10).T[None].double()
    logits = torch.zeros_like(target)
    logits[0, 2] = 1.0  # everywhere the chiasm
    counts = torch.ones(1, 10, dtype=torch.bool)
    others, chiasm = math.log(9 + math.e), math.log(9 + math.e) - 1
    total = sum(weights[1:])
    expected = ((total - weights[2]) * others + weights[2] * chiasm) / total
    assert WeightedCrossEntropy("softmax", weights)(logits, target, counts).item() == pytest.approx(expected, rel=1e-7)
