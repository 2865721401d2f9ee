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
            less = 0 if variant == "paper" else min(spacing)
            outside = distance_transform_edt(~mask, sampling=spacing)
            phi = outside - np.where(mask, distance_transform_edt(mask, sampling=spacing) - less, 0)
        if variant == "code":
            phi = np.trunc(phi).astype(np.int64).astype(np.uint8)
        if variant in ("jain2020", "code"):
            phi = phi / 255
        terms += [p * away for (p, _), away in zip(pairs, phi.ravel(), strict=True)]
    return mean(terms)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("variant", ["paper", "kervadec2021", "jain2020", "code"])
@pytest.mark.parametrize("shape", [(3, 3, 4, 5), (3, 3, 3, 4, 5)])
def test_equals_the_loops_in_slices_and_volumes(activation, variant, shape):
    logits, target = example(shape)
    target[0, 1] = 0
    spacing = (3.0, 1.5, 0.5)
    expected = naive(logits, target, SOME, activation, spacing[5 - len(shape) :], variant)
    value = Boundary(activation, spacing, variant)(logits, target, SOME)
    assert value.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("variant", "inside"), [("paper", (-2, -4, -2)), ("kervadec2021", (0, -2, 0))])
def test_value_by_hand(variant, inside):
    target = torch.tensor([[[0.0, 1, 1, 1, 0, 0]]])
    p = torch.tensor([[[0.1, 0.9, 0.8, 0.7, 0.2, 0.5]]])
    expected = (0.1 * 2 + 0.9 * inside[0] + 0.8 * inside[1] + 0.7 * inside[2] + 0.2 * 2 + 0.5 * 4) / 6
    value = Boundary("sigmoid", [2.0], variant)(p.logit(), target, ONE)
    assert value.item() == pytest.approx(expected, rel=1e-5)


def one_at(length, *places):
    """Logits that are sure of one voxel."""
    for place in places:
        logits = torch.full((1, 1, length), -50.0)
        logits[..., place] = 50
        yield logits


def test_the_code_of_jain_wraps_distances_in_uint8_so_that_interiors_cost_what_they_should_earn():
    target = torch.zeros(1, 1, 7, 7)
    target[..., 1:6, 1:6] = 1
    right = torch.where(target > 0, 50.0, -50.0)
    # rings of 16, 8 and 1 voxels, 1, 2 and 3 from the outside: 0, -1 and -2
    meant = Boundary("sigmoid", variant="jain2020")(right, target, ONE)
    assert meant.item() == pytest.approx(-(8 * 1 + 2) / 255 / 49)
    wrapped = Boundary("sigmoid", variant="code")(right, target, ONE)
    assert wrapped.item() == pytest.approx((8 * 255 + 254) / 255 / 49)
    corner = torch.full((1, 1, 7, 7), -50.0)
    corner[..., 0, 0] = 50  # at sqrt 2
    assert Boundary("sigmoid", variant="code")(corner, target, ONE).item() * 49 * 255 == pytest.approx(1)
    far = torch.zeros(1, 1, 300)
    far[..., 0] = 1
    values = [Boundary("sigmoid", variant="code")(z, far, ONE).item() * 300 * 255 for z in one_at(300, 255, 256, 257)]
    assert values == pytest.approx([255, 0, 1], abs=1e-3)


def test_the_rule_of_jain_for_missing_annotations_weighs_classes():
    logits, target = example((3, 3, 4, 5))
    counts = torch.tensor([[True, True, False], [True, True, True], [True, True, False]])
    shares = (1 / 5, 1 / 5, 3 / 5)  # 1/3, 1/3 and 1 by their sum
    plain, expected = Boundary("sigmoid"), 0
    for b, c in counts.nonzero().tolist():
        alone = plain(logits[b : b + 1, c : c + 1], target[b : b + 1, c : c + 1], ONE)
        expected = expected + shares[c] * alone / 3
    torch.testing.assert_close(Boundary("sigmoid", missing="jain2020")(logits, target, counts), expected)


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
