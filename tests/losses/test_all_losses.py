"""What holds for every loss of the common signature."""

import itertools

import pytest
import torch

from hnseg.losses import Dice, Focal, WeightedSum

TERMS = [
    pytest.param(kind, activation, variant, id=f"{kind.__name__}-{activation}-{variant}")
    for kind, activation, variant in itertools.product((Dice, Focal), ("sigmoid", "softmax"), ("paper", "code"))
]
ALL = torch.ones(2, 3, dtype=torch.bool)
SOME = torch.tensor([[True, False, True], [False, False, False]])


def example(dtype=torch.float64, size=(4, 3)):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, *size, generator=generator, dtype=dtype)
    target = torch.rand(2, 3, *size, generator=generator, dtype=dtype)  # soft, as after mixup
    return logits.requires_grad_(), target


@pytest.mark.parametrize("counts", [ALL, SOME])
@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_gradients(kind, activation, variant, counts):
    logits, target = example()
    # with softmax the values, and so finite differences, depend on channels whose gradient is cut on purpose
    counts = ALL if activation == "softmax" else counts
    assert torch.autograd.gradcheck(lambda z: kind(activation, variant=variant)(z, target, counts), logits)


@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_channels_that_do_not_count_change_nothing_and_get_no_gradient(kind, activation, variant):
    loss = kind(activation, variant=variant)
    logits, target = example()
    value = loss(logits, target, SOME)
    value.backward()
    assert logits.grad[0, [0, 2]].abs().min() > 0
    assert logits.grad[0, 1].abs().max() == 0
    assert logits.grad[1].abs().max() == 0
    spoilt = target.clone()
    spoilt[0, 1], spoilt[1] = float("nan"), float("nan")
    torch.testing.assert_close(loss(logits, spoilt, SOME), value)
    torch.testing.assert_close(loss(logits[:1], target[:1], SOME[:1]), value)  # the second sample is not averaged in


@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_a_sigmoid_channel_that_does_not_count_might_as_well_not_be_there(kind, activation, variant):
    logits, target = example()
    counts = torch.tensor([[True, False, True], [True, False, True]])
    kept = [0, 2]
    if activation == "sigmoid":
        loss = kind(activation, variant=variant)
        torch.testing.assert_close(
            loss(logits, target, counts), loss(logits[:, kept], target[:, kept], counts[:, kept])
        )


@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_nothing_counts(kind, activation, variant):
    logits, target = example()
    value = kind(activation, variant=variant)(logits, target, ~ALL)
    assert value == 0
    value.backward()
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_the_order_of_voxels_does_not_matter(kind, activation, variant):
    loss = kind(activation, variant=variant)
    logits, target = example()
    torch.testing.assert_close(loss(logits.flip(2), target.flip(2), SOME), loss(logits, target, SOME))
    torch.testing.assert_close(
        loss(logits.unsqueeze(-1), target.unsqueeze(-1), SOME), loss(logits, target, SOME)
    )  # 2-D and 3-D


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_half_precision_logits_are_summed_in_float32(kind, activation, variant, dtype):
    loss = kind(activation, variant=variant)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 300_000, generator=generator).to(dtype)  # the sums would overflow float16
    target = (torch.rand(2, 3, 300_000, generator=generator) > 0.5).float()
    value = loss(logits.requires_grad_(), target, ALL)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(logits.float(), target, ALL), rtol=1e-6, atol=1e-6)
    value.backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("size", [1e4, 1e2])
@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_extreme_logits_stay_finite(kind, activation, variant, size):
    logits = (example(torch.float32)[0].detach().sign() * size).requires_grad_()
    target = (example(torch.float32)[1] > 0.5).float()
    value = kind(activation, variant=variant)(logits, target, ALL)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("kind", "activation", "variant"), TERMS)
def test_a_right_answer_costs_nothing_and_an_empty_one_is_no_error(kind, activation, variant):
    loss = kind(activation, variant=variant)
    target = torch.zeros(1, 3, 4, 4)
    target[:, 0] = 1
    counts = torch.ones(1, 3, dtype=torch.bool)
    assert loss((target - 0.5) * 100, target, counts) < 1e-6
    empty = torch.zeros_like(target)
    assert 0 <= loss(torch.full_like(target, -50.0), empty, counts) <= 1


@pytest.mark.parametrize("kind", [Dice, Focal])
def test_wrong_arguments_are_refused(kind):
    with pytest.raises(ValueError, match="tanh"):
        kind("tanh")
    with pytest.raises(ValueError, match="variant"):
        kind("sigmoid", variant="mine")
    logits, target = example()
    with pytest.raises(ValueError, match="counts"):
        kind("sigmoid")(logits, target, ALL.float())
    with pytest.raises(ValueError, match="target"):
        kind("sigmoid")(logits, target[:, :1], ALL)


def test_weighted_sum_adds_its_parts():
    logits, target = example()
    terms = {"dice": Dice("sigmoid"), "focal": Focal("sigmoid")}
    loss = WeightedSum(terms, {"focal": 3.0, "dice": 0.5})
    parts = loss.parts(logits, target, ALL)
    assert set(parts) == {"dice", "focal"}
    torch.testing.assert_close(parts["focal"], terms["focal"](logits, target, ALL))
    expected = 0.5 * parts["dice"] + 3 * parts["focal"]
    torch.testing.assert_close(loss(logits, target, ALL), expected)
    torch.testing.assert_close(loss.total(parts), expected)


@pytest.mark.parametrize("weights", [{}, {"dice": 1.0, "focal": 1.0}, {"focal": 1.0}])
def test_weights_under_other_names_are_refused(weights):
    with pytest.raises(ValueError, match="weight for each"):
        WeightedSum({"dice": Dice("sigmoid")}, weights)
