import itertools

import pytest
import torch

from hnseg.losses import Lovasz
from hnseg.losses.lovasz import jaccard_shares
from tests.losses.loops import SOME, example, mean, voxels

ONE = torch.ones(1, 1, dtype=torch.bool)


def jaccard_loss(truth, wrong):
    """One minus Jaccard of the answer that errs at the voxels ``wrong``."""
    answer = {i for i in range(len(truth)) if truth[i] != (i in wrong)}
    true = {i for i, g in enumerate(truth) if g}
    return 1 - len(answer & true) / len(answer | true) if answer | true else 0.0


def extension(errors, truth):
    """The Lovász extension as the integral over thresholds t > 0 of the loss of the set of errors of at least t."""
    total, levels = 0.0, [0.0, *sorted({e for e in errors if e > 0})]
    for below, level in itertools.pairwise(levels):
        total += (level - below) * jaccard_loss(truth, {i for i, e in enumerate(errors) if e >= level})
    return total


def greatest(errors, truth):
    """It again, as the largest of the sums along all orders, which holds because the Jaccard loss is submodular."""
    sums = []
    for order in itertools.permutations(range(len(errors))):
        losses = [jaccard_loss(truth, set(order[:n])) for n in range(len(order) + 1)]
        steps = [after - before for before, after in itertools.pairwise(losses)]
        sums.append(sum(errors[i] * step for i, step in zip(order, steps, strict=True)))
    return max(sums)


def errors_of(logits, target, counts, activation):
    if activation == "softmax":
        found = voxels(logits, target, counts, activation)
        return {key: [abs(p - g) for p, g in pairs] for key, pairs in found.items()}
    hinges = torch.relu(1 - logits * (2 * target - 1))
    return {(b, c): hinges[b, c].flatten().tolist() for b, c in counts.nonzero().tolist()}


def naive(logits, target, counts, activation, per_image, classes):
    errors = errors_of(logits, target, counts, activation)
    truths = {key: [g > 0.5 for g in target[key].flatten().tolist()] for key in errors}
    if not per_image:
        channels = {c for _, c in errors}
        truths = {c: [g for key in errors if key[1] == c for g in truths[key]] for c in channels}
        errors = {c: [e for key in errors if key[1] == c for e in errors[key]] for c in channels}
    kept = [key for key in errors if classes == "all" or any(truths[key])]
    return mean(extension(errors[key], truths[key]) for key in kept)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("per_image", [True, False])
@pytest.mark.parametrize("classes", ["all", "present"])
def test_equals_the_loops(activation, per_image, classes):
    logits, target = example()
    target[0, 1] = 0  # counts, but is not there
    expected = naive(logits, target, SOME, activation, per_image, classes)
    value = Lovasz(activation, per_image, classes)(logits, target, SOME)
    assert value.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("truth", list(itertools.product([False, True], repeat=4)))
def test_equals_the_brute_force_over_all_orders_of_errors(truth):
    logits = torch.tensor([[[0.3, -1.7, 2.2, -0.4]]], dtype=torch.float64)
    target = torch.tensor([[truth]], dtype=torch.float64)
    errors = errors_of(logits, target, ONE, "sigmoid")[0, 0]
    value = Lovasz("sigmoid")(logits, target, ONE).item()
    assert value == pytest.approx(greatest(errors, truth), abs=1e-12)
    assert value == pytest.approx(extension(errors, truth), abs=1e-12)


@pytest.mark.parametrize("truth", [(0, 0, 0, 0), (1, 0, 1, 0), (1, 1, 1, 1)])
def test_of_a_sure_answer_it_is_one_minus_jaccard_whatever_the_answer(truth):
    target = torch.tensor([[[1 - g for g in truth], truth]], dtype=torch.float64)
    both = torch.tensor([[False, True]])
    for answer in itertools.product([0, 1], repeat=4):
        sure = torch.tensor([[[1 - a for a in answer], answer]], dtype=torch.float64) * 100
        wrong = {i for i in range(4) if answer[i] != truth[i]}
        assert Lovasz("softmax")(sure, target, both).item() == pytest.approx(jaccard_loss(truth, wrong), abs=1e-12)


def test_value_by_hand():
    logits = torch.tensor([[[0.5, -0.5, 2.0]]])  # of truth 1, 1, 0: errors 0.5, 1.5, 3
    target = torch.tensor([[[1.0, 1.0, 0.0]]])
    # in their order: 3 costs 2/2 - 2/3, 1.5 then 1/3, 0.5 then 1/3
    assert Lovasz("sigmoid")(logits, target, ONE).item() == pytest.approx(3 / 3 + 1.5 / 3 + 0.5 / 3)


def test_without_a_lesion_the_largest_error_is_the_loss():
    logits, target = torch.tensor([[[-2.0, 0.7, 0.1]]], requires_grad=True), torch.zeros(1, 1, 3)
    value = Lovasz("sigmoid")(logits, target, ONE)
    value.backward()
    assert value.item() == pytest.approx(1.7)
    assert logits.grad.flatten().tolist() == [0, 1, 0]
    assert Lovasz("sigmoid", classes="present")(logits, target, ONE) == 0


def test_one_index_of_the_batch_is_that_of_its_samples_laid_side_by_side():
    logits, target = example((2, 3, 5))
    counts = torch.ones(2, 3, dtype=torch.bool)
    beside = (torch.cat(list(tensor), dim=1)[None] for tensor in (logits, target))
    torch.testing.assert_close(
        Lovasz("softmax", per_image=False)(logits, target, counts), Lovasz("softmax")(*beside, counts[:1])
    )


def test_shares_of_a_million_voxels_are_exact():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(1, 1_000_000, generator=generator) > 0.9
    true, answered = truth.sum(), truth.double().cumsum(1)
    loss = 1 - (true - answered) / (true + (~truth).double().cumsum(1))
    expected = torch.diff(loss, prepend=torch.zeros(1, 1, dtype=torch.float64))
    shares = jaccard_shares(truth)
    torch.testing.assert_close(shares, expected, atol=1e-15, rtol=0)
    assert shares.sum().item() == pytest.approx(1.0, abs=1e-9)
