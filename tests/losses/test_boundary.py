import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from hnseg.losses import Boundary
from tests.losses.loops import SOME, example, mean, voxels

ONE = torch.ones(1, 1, dtype=torch.bool)


def naive(logits, target, counts, activation, spacing, variant):
    terms = []
    for (b, c), pairs in voxels(logits, target, counts, activation).items():
        if activation == "softmax" and c == 0:
            continue
        mask = target[b, c].numpy() > 0.5
        phi = np.zeros(mask.shape)
        if mask.any() and not mask.all():
            less = min(spacing) if variant == "code" else 0
            outside = distance_transform_edt(~mask, sampling=spacing)
            phi = outside - np.where(mask, distance_transform_edt(mask, sampling=spacing) - less, 0)
        terms += [p * away for (p, _), away in zip(pairs, phi.ravel(), strict=True)]
    return mean(terms)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("shape", [(3, 3, 4, 5), (3, 3, 3, 4, 5)])
def test_equals_the_loops_in_slices_and_volumes(activation, variant, shape):
    logits, target = example(shape)
    target[0, 1] = 0
    spacing = (3.0, 1.5, 0.5)
    expected = naive(logits, target, SOME, activation, spacing[5 - len(shape) :], variant)
    value = Boundary(activation, spacing, variant)(logits, target, SOME)
    assert value.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("variant", "inside"), [("paper", (-2, -4, -2)), ("code", (0, -2, 0))])
def test_value_by_hand(variant, inside):
    target = torch.tensor([[[0.0, 1, 1, 1, 0, 0]]])
    p = torch.tensor([[[0.1, 0.9, 0.8, 0.7, 0.2, 0.5]]])
    expected = (0.1 * 2 + 0.9 * inside[0] + 0.8 * inside[1] + 0.7 * inside[2] + 0.2 * 2 + 0.5 * 4) / 6
    value = Boundary("sigmoid", [2.0], variant)(p.logit(), target, ONE)
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_the_further_off_the_dearer():
    target = torch.zeros(1, 1, 9, 9)
    target[..., 3:6, 2:5] = 1
    loss = Boundary("sigmoid")
    values = [loss((target.roll(shift, -1) - 0.5) * 100, target, ONE).item() for shift in range(4)]
    assert values == sorted(values)
    assert values[0] < 0 < values[-1]


def test_interiors_of_large_structures_are_rewarded():
    """Distances kept in a uint8 mask wrap at -1 to 255, which turns the reward into a penalty."""
    target = torch.ones(1, 1, 900)
    target[..., :300] = 0
    logits = torch.full_like(target, -50.0)
    logits[..., 300:] = 50
    value = Boundary("sigmoid")(logits, target, ONE)
    assert value.item() == pytest.approx(-600 * 601 / 2 / 900)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_a_boundary_there_is_no_loss(share):
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    value = Boundary("sigmoid")(logits, torch.full_like(logits, share).detach(), ONE)
    value.backward()
    assert value == 0
    assert logits.grad.abs().max() == 0


def test_lengths_are_millimetres():
    logits, target = example((1, 1, 5, 6))
    doubled = Boundary("sigmoid", (9.0, 2.0, 4.0))(logits, target.round(), ONE)
    torch.testing.assert_close(doubled, 2 * Boundary("sigmoid", (1.0, 1.0, 2.0))(logits, target.round(), ONE))


@pytest.mark.parametrize("spacing", [(), (1.0, 0.0, 1.0)])
def test_a_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(ValueError, match="spacing_mm"):
        Boundary("sigmoid", spacing)


def test_more_axes_than_spacings_are_refused():
    logits, target = example((1, 1, 3, 3, 3))
    with pytest.raises(ValueError, match="2 sizes for 3 axes"):
        Boundary("sigmoid", (1.0, 1.0))(logits, target, ONE)
