import pytest
import torch

from hnseg.losses.activation import check_activation, log_complements, log_probabilities, power, probabilities, rivals
from tests.losses.loops import SOME, example


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_logarithms_are_those_of_the_probabilities(activation):
    logits, _ = example()
    p = probabilities(logits, activation)
    torch.testing.assert_close(log_probabilities(logits, activation), p.log())
    torch.testing.assert_close(log_complements(logits, activation), (1 - p).log())


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_complements_are_exact_where_float32_rounds_the_probability_to_1(activation):
    logits = torch.tensor([[20.0, 0.0, -3.0], [0.0, 21.0, 22.0]]).reshape(2, 3, 1)
    assert (probabilities(logits, activation) == 1).any()
    exact = (1 - probabilities(logits.double(), activation)).log()
    torch.testing.assert_close(log_complements(logits, activation).double(), exact, rtol=1e-3, atol=1e-6)


def test_complements_of_softmax_have_the_right_gradient_at_the_largest_channel_too():
    logits, _ = example((2, 3, 4))
    assert torch.autograd.gradcheck(lambda z: log_complements(z, "softmax"), logits.requires_grad_())


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_rivals_share_each_voxel_that_counts(activation):
    logits, target = example()
    target = target * SOME[..., None, None]
    truth, log_p = rivals(logits, target, SOME, activation)
    together, one = log_p.exp().sum(dim=2), torch.ones_like(logits)
    if activation == "softmax":
        assert truth.shape == (3, 3, 1, 2, 4)
        torch.testing.assert_close(together.sum(dim=1), one[:, 0])
    else:
        assert truth.shape == (3, 3, 2, 2, 4)
        torch.testing.assert_close(together, one)
        torch.testing.assert_close(truth.sum(dim=2), one * SOME[..., None, None])


def test_power_is_a_power_with_a_finite_slope_at_0():
    values = torch.tensor([0.0, 1e-9, 1e-7, 0.2, 5.0], dtype=torch.float64, requires_grad=True)
    found = power(values, 0.3)
    torch.testing.assert_close(found[2:], values[2:] ** 0.3)
    assert found[:2].tolist() == pytest.approx([0.0, 1e-9 * 1e-7**-0.7])
    found.sum().backward()
    assert values.grad.isfinite().all()
    torch.testing.assert_close(values.grad[3:], 0.3 * values[3:].detach() ** -0.7)


def test_what_is_no_logit_is_refused_with_the_loss_that_takes_it():
    with pytest.raises(ValueError, match=r"the answer itself; of the losses only KerasBCE \(loss=keras_bce\)"):
        check_activation("identity")
    with pytest.raises(ValueError, match="use sigmoid or softmax"):
        check_activation("linear")
