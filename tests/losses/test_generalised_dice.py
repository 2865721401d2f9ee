import pytest
import torch

from hnseg.losses import Dice, GeneralisedDice
from hnseg.losses.generalised_dice import balance
from tests.losses.loops import SOME, example, mean, voxels


def naive(found, samples, smooth):
    losses = []
    for b in samples:
        channels = [pairs for (sample, _), pairs in found.items() if sample == b]
        volumes = [sum(g for _, g in pairs) for pairs in channels]
        weights = [1 / volume**2 if volume else 0 for volume in volumes]
        largest = max(weights) or 1
        weights = [weight or largest for weight in weights]
        overlap = sum(w * sum(p * g for p, g in pairs) for w, pairs in zip(weights, channels, strict=True))
        size = sum(w * sum(p + g for p, g in pairs) for w, pairs in zip(weights, channels, strict=True))
        losses.append(1 - (2 * overlap + largest * smooth) / (size + largest * smooth))
    return mean(losses)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("smooth", [1.0, 1e-3])
@pytest.mark.parametrize("missing", [(), (1,), (0, 1)])
def test_equals_the_loops(activation, smooth, missing):
    logits, target = example()
    target[0, list(missing)] = 0
    expected = naive(voxels(logits, target, SOME, activation), (0, 1), smooth)
    assert GeneralisedDice(activation, smooth)(logits, target, SOME).item() == pytest.approx(expected, abs=1e-12)


def test_value_by_hand():
    target = torch.tensor([[[1.0, 0, 0, 0], [0, 1, 1, 0]]], dtype=torch.float64)  # weights 1 and 1/4
    p = torch.tensor([[[0.5, 0, 0, 0], [0, 0.8, 0.8, 0.4]]], dtype=torch.float64)
    # overlap 0.5 + 1.6/4 = 0.9; size 1.5 + 4/4 = 2.5
    value = GeneralisedDice("sigmoid")(p.logit(eps=1e-15), target, torch.ones(1, 2, dtype=torch.bool))
    assert value.item() == pytest.approx(1 - 2.8 / 3.5)


def test_one_structure_is_dice_with_plain_sums():
    logits, target = example((3, 1, 7))
    target[1] = 0
    counts = torch.ones(3, 1, dtype=torch.bool)
    torch.testing.assert_close(
        GeneralisedDice("sigmoid")(logits, target, counts), Dice("sigmoid", "paper")(logits, target, counts)
    )


def test_equals_monai_without_smoothing():
    losses = pytest.importorskip("monai.losses")
    logits, target = example((2, 3, 4, 5))
    theirs = losses.GeneralizedDiceLoss(softmax=True, smooth_nr=0, smooth_dr=0)(logits, target)
    ours = GeneralisedDice("softmax", smooth=0.0)(logits, target, torch.ones(2, 3, dtype=torch.bool))
    torch.testing.assert_close(ours, theirs)


def test_a_small_structure_counts_as_much_as_a_large_one():
    """Ten times as many voxels of each kind for one structure leave its share of overlap and size over volume."""
    weights = balance(torch.tensor([[10.0, 1000.0, 0.0], [0.0, 0.0, 0.0], [3e7, 2.0, 0.5]]))
    torch.testing.assert_close(weights[0], torch.tensor([1.0, 1e-4, 1.0]))
    assert weights[1].tolist() == [1, 1, 1]
    assert weights[2].argmax() == 2
    assert weights.isfinite().all()


def test_an_empty_sample_pays_for_false_positives():
    target, counts = torch.zeros(1, 2, 50), torch.ones(1, 2, dtype=torch.bool)
    loss = GeneralisedDice("sigmoid")
    silent, loud = (loss(torch.full_like(target, size), target, counts) for size in (-20.0, 2.0))
    assert silent < 1e-6
    assert loud > 0.9
