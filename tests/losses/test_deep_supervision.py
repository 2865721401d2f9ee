import pytest
import torch

from hnseg.losses import Boundary, DeepSupervision, Dice, Focal, WeightedSum
from hnseg.losses import boundary as boundary_module

COUNTS = torch.tensor([[True, False], [True, True]])


def outputs(number):
    generator = torch.Generator().manual_seed(3)
    target = torch.rand(2, 2, 3, 4, generator=generator, dtype=torch.float64).round()
    return [torch.randn(2, 2, 3, 4, generator=generator, dtype=torch.float64) for _ in range(number)], target


def test_weights_halve_and_add_up_to_1():
    logits, target = outputs(3)
    loss = Dice("sigmoid")
    first, second, third = (loss(level, target, COUNTS) for level in logits)
    expected = (4 * first + 2 * second + third) / 7
    torch.testing.assert_close(DeepSupervision(loss)(logits, target, COUNTS), expected)


def test_given_weights_are_used_as_they_are():
    logits, target = outputs(2)
    loss = Focal("softmax")
    expected = 3 * loss(logits[0], target, COUNTS) + 0.5 * loss(logits[1], target, COUNTS)
    torch.testing.assert_close(DeepSupervision(loss, [3, 0.5])(logits, target, COUNTS), expected)


@pytest.mark.parametrize("weights", [None, [2.0, 1.0, 1.0]])
def test_one_tensor_costs_what_the_loss_alone_says(weights):
    logits, target = outputs(1)
    loss = WeightedSum({"dice": Dice("sigmoid"), "focal": Focal("sigmoid")}, {"dice": 1, "focal": 2})
    assert DeepSupervision(loss, weights)(logits[0], target, COUNTS) == loss(logits[0], target, COUNTS)
    if weights is None:
        assert DeepSupervision(loss)(logits, target, COUNTS) == loss(logits[0], target, COUNTS)


def test_every_output_learns_but_not_where_nobody_annotated():
    logits, target = outputs(4)
    logits = [level.requires_grad_() for level in logits]
    DeepSupervision(Dice("sigmoid"))(logits, target, COUNTS).backward()
    for level in logits:
        assert level.grad[0, 0].abs().max() > 0
        assert level.grad[0, 1].abs().max() == 0
    assert logits[0].grad.abs().sum() > logits[3].grad.abs().sum()


def test_where_nothing_counts_the_loss_and_all_gradients_are_0():
    logits, target = outputs(2)
    logits = [level.requires_grad_() for level in logits]
    value = DeepSupervision(Focal("sigmoid"))(logits, target, torch.zeros_like(COUNTS))
    value.backward()
    assert value == 0
    assert all(level.grad.abs().max() == 0 for level in logits)


def test_another_number_of_weights_is_refused_with_both_numbers():
    logits, target = outputs(3)
    with pytest.raises(ValueError, match=r"2 weights.*3 outputs"):
        DeepSupervision(Dice("sigmoid"), [1.0, 0.5])(logits, target, COUNTS)
    with pytest.raises(ValueError, match="empty"):
        DeepSupervision(Dice("sigmoid"))([], target, COUNTS)


def test_distances_of_a_target_are_measured_once_for_all_outputs(monkeypatch):
    calls = []

    def counted(mask, spacing):
        calls.append(mask)
        return measured(mask, spacing)

    measured = boundary_module.signed_distance
    monkeypatch.setattr(boundary_module, "signed_distance", counted)
    logits, target = outputs(3)
    plain = Boundary("sigmoid")
    expected = sum(weight * plain(level, target, COUNTS) for weight, level in zip((1, 0.5, 2), logits, strict=True))
    assert len(calls) == 3
    loss = DeepSupervision(WeightedSum({"boundary": plain}, {"boundary": 1}), [1, 0.5, 2])
    torch.testing.assert_close(loss(logits, target, COUNTS), expected)
    assert len(calls) == 4
    moved = target.roll(1, dims=-1)
    assert loss(logits, moved, COUNTS) != expected
    assert len(calls) == 5
