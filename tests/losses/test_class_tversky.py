import pytest
import torch

from hnseg.losses import ClassTversky, FocalDice
from tests.losses.loops import SOME, example, voxels

WEIGHTS = (0.5, 2.0, 3.0)


def naive(found, alpha=0.5, beta=0.5, smooth=1e-5, weights=WEIGHTS, focal=False):
    samples = {}
    for (b, c), pairs in found.items():
        hits = sum(p * g * ((1 - p) ** 2 if focal else 1) for p, g in pairs)
        too_much, too_little = sum(p * (1 - g) for p, g in pairs), sum((1 - p) * g for p, g in pairs)
        index = hits / (hits + alpha * too_much + beta * too_little + smooth)
        flags, sums = samples.get(b, (0, 0))
        samples[b] = flags + weights[c], sums + weights[c] * index
    losses = [flags - sums for flags, sums in samples.values()]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_equals_the_loops(activation, soft):
    logits, target = example(soft=soft)
    target[0, 1] = 0
    found = voxels(logits, target, SOME, activation)
    value = ClassTversky(activation, weights=WEIGHTS)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found), abs=1e-12)
    value = ClassTversky(activation, 0.3, 0.9, 0.1)(logits, target, SOME)
    assert value.item() == pytest.approx(naive(found, 0.3, 0.9, 0.1, (1, 1, 1)), abs=1e-12)
    value = FocalDice(activation, weights=WEIGHTS)(logits, target, SOME)
    assert value.item() == pytest.approx(1.6 * naive(found, smooth=1e-6, focal=True), abs=1e-12)


def uniform():
    """Four classes of 10, 3, 2 and 1 voxels, a quarter for each everywhere."""
    labels = torch.tensor([0] * 10 + [1] * 3 + [2] * 2 + [3])
    target = torch.nn.functional.one_hot(labels, 4).T[None].double()
    return torch.zeros_like(target), target, torch.ones(1, 4, dtype=torch.bool)


def test_value_of_a_uniform_answer_by_hand():
    logits, target, counts = uniform()
    # Dice of a class of n voxels: 2 n/4 / (16/4 + n)
    dice = [n / 2 / (4 + n) for n in (10, 3, 2, 1)]
    assert ClassTversky("softmax")(logits, target, counts).item() == pytest.approx(4 - sum(dice), abs=1e-4)
    weights = (4.0, 1.0, 2.0, 3.0)
    expected = 10 - sum(w * d for w, d in zip(weights, dice, strict=True))
    assert ClassTversky("softmax", weights=weights)(logits, target, counts).item() == pytest.approx(expected, abs=1e-4)
    counts = torch.tensor([[False, True, False, True]])  # class 2 is not annotated, so the background does not count
    expected = 1 + 3 - dice[1] - 3 * dice[3]
    assert ClassTversky("softmax", weights=weights)(logits, target, counts).item() == pytest.approx(expected, abs=1e-4)


def test_the_papers_form_differs_by_what_has_no_gradient():
    logits, target, counts = uniform()
    logits = torch.randn_like(logits).requires_grad_()
    counts = torch.tensor([[False, True, True, False]])
    p = logits.softmax(dim=1)
    hits, sizes = (p * target).sum(dim=2), (p + target).sum(dim=2)
    papers = 4 - (counts * hits / (sizes / 2 + 1e-5)).sum()  # C - sum m T
    ours = ClassTversky("softmax")(logits, target, counts)
    torch.testing.assert_close(papers - ours, torch.tensor(2.0, dtype=torch.float64))
    expected = torch.where(counts[..., None], torch.autograd.grad(ours, logits)[0], 0)
    (gradient,) = torch.autograd.grad(papers, logits)
    torch.testing.assert_close(torch.where(counts[..., None], gradient, 0), expected)


def test_a_structure_that_is_not_there_costs_its_weight_whatever_the_answer():
    target, counts = torch.zeros(1, 1, 6), torch.ones(1, 1, dtype=torch.bool)
    for size in (-9.0, 0.0, 9.0):
        logits = torch.full_like(target, size).requires_grad_()
        value = ClassTversky("sigmoid", weights=[3.0])(logits, target, counts)
        value.backward()
        assert value.item() == pytest.approx(3.0)
        assert logits.grad.abs().max() < 1e-9


def test_focal_dice_is_least_where_the_truth_gets_a_half():
    """p (1 - p)^2 / (p (1 - p)^2 + (1 - p) / 2) is greatest at p = 1/2, where it is a third."""
    target, counts = torch.ones(1, 1, 5, dtype=torch.float64), torch.ones(1, 1, dtype=torch.bool)
    loss = FocalDice("sigmoid", smooth=0.0)
    values = {p: loss(torch.full_like(target, p).logit(), target, counts).item() for p in (0.1, 0.4, 0.5, 0.6, 0.999)}
    assert min(values, key=values.get) == 0.5
    assert values[0.5] == pytest.approx(1.6 * (1 - 1 / 3))
    assert values[0.999] == pytest.approx(1.6, abs=0.01)
