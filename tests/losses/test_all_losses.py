"""What holds for every loss of the common signature, in all its forms; none has to be listed here."""

import itertools
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import torch

import hnseg.losses
from hnseg.losses import Dice, Focal, WeightedSum

ALL = torch.ones(2, 3, dtype=torch.bool)
SOME = torch.tensor([[True, False, True], [False, False, False]])
BELOW_0 = {"Boundary", "Combo"}  # whose right answers earn something
NEVER_0 = {"ClassTversky"}  # a structure that is not there costs its weight
# No pull on background, on the border's voxels, or outside (0, 1), as their docstrings say
NEED_COMPANY = {
    ("Focal", "sigmoid", "paper"),
    ("Boundary", "sigmoid", "kervadec2021"),
    ("Boundary", "softmax", "kervadec2021"),
    ("Boundary", "sigmoid", "jain2020"),
    ("Boundary", "softmax", "jain2020"),
    ("ClassFocal", "sigmoid"),
    ("ClassCrossEntropy", "sigmoid"),
    ("KerasBCE", "identity"),
}
# As their authors have them: the truth is not where they are least, which their own tests pin
MISLED = {
    ("Boundary", "sigmoid", "code"),
    ("Boundary", "softmax", "code"),
    ("FocalDice", "sigmoid"),
    ("FocalDice", "softmax"),
}
WHOLE = {"Tversky": "code", "GeneralisedDice": "paper"}  # variants without classes to weigh


def choices(kind):
    """Arguments that choose a form of the loss, with all their values; empty for those that wrap others."""
    hints = get_type_hints(kind.__init__)
    if "activation" not in hints:
        return {}
    every = {name: get_args(hint) if get_origin(hint) is Literal else (False, True) for name, hint in hints.items()}
    return {name: every[name] for name, hint in hints.items() if get_origin(hint) is Literal or hint is bool}


def is_refused(kind, arguments):
    return arguments.get("missing") == "jain2020" and WHOLE.get(kind.__name__) == arguments["variant"]


def is_among(kind, arguments, known):
    """Whether its name and the first of its choices are listed."""
    return any((kind.__name__, *arguments.values())[: len(entry)] == entry for entry in known)


def forms(refused=False):
    for kind in (getattr(hnseg.losses, name) for name in hnseg.losses.__all__):
        for values in itertools.product(*choices(kind).values()):
            arguments = dict(zip(choices(kind), values, strict=True))
            if arguments and is_refused(kind, arguments) == refused:
                yield pytest.param(kind, arguments, id="-".join([kind.__name__, *map(str, values)]))


FORMS = list(forms())
every_loss = pytest.mark.parametrize(("kind", "arguments"), FORMS)


def example(dtype=torch.float64, size=(4, 3)):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, *size, generator=generator, dtype=dtype)
    target = torch.rand(2, 3, *size, generator=generator, dtype=dtype)  # soft, as after mixup
    return logits.requires_grad_(), target


def blobs():
    """One-hot (2, 3, 6, 6): background, and two structures that touch."""
    labels = torch.zeros(2, 6, 6, dtype=torch.long)
    labels[:, 1:3, 1:5] = 1
    labels[1, 3:5, 2:4] = 2
    return torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()


def test_every_loss_is_found():
    others = {"WeightedSum", "DeepSupervision", "Ramp"}
    assert {form.values[0].__name__ for form in FORMS} == set(hnseg.losses.__all__) - others
    for entry in NEED_COMPANY | MISLED:
        assert any(is_among(*form.values, {entry}) for form in FORMS)


@pytest.mark.parametrize(("kind", "arguments"), list(forms(refused=True)))
def test_a_rule_for_classes_is_refused_where_there_are_none(kind, arguments):
    with pytest.raises(ValueError, match="weighs classes"):
        kind(**arguments)


@every_loss
def test_gradients(kind, arguments):
    logits, target = example()
    # with softmax the values, and so finite differences, depend on channels whose gradient is cut on purpose
    for counts in [ALL] if arguments["activation"] == "softmax" else [ALL, SOME]:
        assert torch.autograd.gradcheck(lambda z, c=counts: kind(**arguments)(z, target, c), logits, fast_mode=True)


@every_loss
def test_channels_that_do_not_count_change_nothing_and_get_no_gradient(kind, arguments):
    loss = kind(**arguments)
    logits, target = example()
    value = loss(logits, target, SOME)
    value.backward()
    assert logits.grad[0, [0, 2]].abs().flatten(1).amax(dim=1).min() > 0
    assert logits.grad[0, 1].abs().max() == 0
    assert logits.grad[1].abs().max() == 0
    spoilt = target.clone()
    spoilt[0, 1], spoilt[1] = float("nan"), float("nan")
    gradient, logits.grad = logits.grad, None
    again = loss(logits, spoilt, SOME)
    again.backward()
    torch.testing.assert_close(again, value)
    torch.testing.assert_close(logits.grad, gradient)
    if arguments.get("missing") != "jain2020":  # the second sample is not averaged in
        torch.testing.assert_close(loss(logits[:1], target[:1], SOME[:1]), value)


@every_loss
def test_a_sigmoid_channel_that_does_not_count_might_as_well_not_be_there(kind, arguments):
    logits, target = example()
    counts = torch.tensor([[True, False, True], [True, False, True]])
    kept = [0, 2]
    by_number = arguments.get("missing") == "jain2020" or kind.__name__ == "ClassCrossEntropy"  # of all channels
    if arguments["activation"] == "sigmoid" and not by_number:
        loss = kind(**arguments)
        torch.testing.assert_close(
            loss(logits, target, counts), loss(logits[:, kept], target[:, kept], counts[:, kept])
        )


@every_loss
def test_nothing_counts(kind, arguments):
    logits, target = example()
    value = kind(**arguments)(logits, torch.full_like(target, torch.nan), ~ALL)
    assert value == 0
    value.backward()
    assert logits.grad.abs().max() == 0


@every_loss
def test_the_order_of_voxels_and_samples_does_not_matter(kind, arguments):
    loss = kind(**arguments)
    logits, target = example()
    counts = torch.tensor([[True, False, True], [True, True, True]])
    value = loss(logits, target, counts)
    torch.testing.assert_close(loss(logits.flip(2), target.flip(2), counts), value)
    torch.testing.assert_close(loss(logits.transpose(2, 3), target.transpose(2, 3), counts), value)
    torch.testing.assert_close(loss(logits.flip(0), target.flip(0), counts.flip(0)), value)
    torch.testing.assert_close(loss(logits.unsqueeze(-1), target.unsqueeze(-1), counts), value)  # 2-D and 3-D


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@every_loss
def test_half_precision_logits_are_summed_in_float32(kind, arguments, dtype):
    loss = kind(**arguments)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 200_000, generator=generator).to(dtype)  # the sums would overflow float16
    target = (torch.rand(1, 2, 200_000, generator=generator) > 0.5).float()
    counts = torch.ones(1, 2, dtype=torch.bool)
    value = loss(logits.requires_grad_(), target, counts)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(logits.float(), target, counts), rtol=1e-6, atol=1e-6)
    value.backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("size", [1e4, 1e2])
@every_loss
def test_extreme_logits_stay_finite(kind, arguments, size):
    logits = (example(torch.float32)[0].detach().sign() * size).requires_grad_()
    target = (example(torch.float32)[1] > 0.5).float()
    value = kind(**arguments)(logits, target, ALL)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [1.0, 6e4])
@every_loss
def test_mixed_precision_stays_finite(kind, arguments, size, dtype):
    weights = (example(torch.float32)[0].detach().sign() * size).requires_grad_()
    target = (example(torch.float32)[1] > 0.5).float()
    with torch.autocast("cpu", dtype=dtype):
        value = kind(**arguments)(weights.to(dtype), target, ALL)
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert weights.grad.isfinite().all()


@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("target", [torch.zeros(2, 3, 4, 3), torch.ones(2, 3, 4, 3)], ids=["empty", "full"])
@every_loss
def test_empty_and_full_targets_stay_finite(kind, arguments, target, size):
    logits = (example(torch.float32)[0].detach() * size).requires_grad_()
    value = kind(**arguments)(logits, target, ALL)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("kind", "arguments"), [form for form in FORMS if not is_among(*form.values, MISLED)])
def test_a_right_answer_is_cheaper_than_a_guess_and_that_cheaper_than_a_wrong_one(kind, arguments):
    loss = kind(**arguments)
    target = blobs()
    wrong = target.roll(1, dims=1)
    right, guess, mistake = (loss(z, target, ALL) for z in ((target - 0.5) * 100, target * 0, (wrong - 0.5) * 100))
    assert right < guess < mistake
    if kind.__name__ not in BELOW_0 | NEVER_0:
        assert 0 <= right < 1e-6


@pytest.mark.parametrize(
    ("kind", "arguments"), [form for form in FORMS if not is_among(*form.values, NEED_COMPANY | MISLED)]
)
def test_steps_against_the_gradient_lead_to_the_target(kind, arguments):
    loss = kind(**arguments)
    target = blobs()
    logits = torch.zeros_like(target, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(100):
        optimizer.zero_grad()
        loss(logits, target, ALL).backward()
        optimizer.step()
    found = logits > 0 if arguments["activation"] == "sigmoid" else logits == logits.amax(dim=1, keepdim=True)
    known = target.flatten(2).amax(dim=2) > 0  # whoever has to be present says nothing of a structure that is not
    assert torch.equal(found[known], target[known].bool())


@every_loss
def test_wrong_arguments_are_refused(kind, arguments):
    for name, values in choices(kind).items():
        if values != (False, True):
            with pytest.raises(ValueError, match="mine"):
                kind(**{**arguments, name: "mine"})
    logits, target = example()
    with pytest.raises(ValueError, match="counts"):
        kind(**arguments)(logits, target, ALL.float())
    with pytest.raises(ValueError, match="target"):
        kind(**arguments)(logits, target[:, :1], ALL)


def test_weighted_sum_adds_its_parts():
    logits, target = example()
    terms = {"dice": Dice("sigmoid"), "focal": Focal("sigmoid")}
    loss = WeightedSum(terms, {"focal": 3.0, "dice": 0.5})
    dice, focal = (term(logits, target, ALL) for term in terms.values())
    torch.testing.assert_close(loss(logits, target, ALL), 0.5 * dice + 3 * focal)


@pytest.mark.parametrize("weights", [{}, {"dice": 1.0, "focal": 1.0}, {"focal": 1.0}])
def test_weights_under_other_names_are_refused(weights):
    with pytest.raises(ValueError, match="weight for each"):
        WeightedSum({"dice": Dice("sigmoid")}, weights)
