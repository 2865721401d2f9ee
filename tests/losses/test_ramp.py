import pytest
import torch

from hnseg.losses import Dice, Focal, Ramp, WeightedSum

ONE = torch.ones(1, 1, dtype=torch.bool)


def test_a_straight_line_between_two_epochs_and_level_outside():
    ramp = Ramp(10, 14, 1.0, 3.0)
    assert [ramp(epoch) for epoch in (0, 10, 11, 12, 13, 14, 100)] == [1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0]
    assert Ramp(0, 4, 3.0, 1.0)(1) == 2.5


def test_no_length_is_a_step():
    assert [Ramp(5, 5, 0.0, 1.0)(epoch) for epoch in (4, 5, 6)] == [0.0, 1.0, 1.0]


def test_an_end_before_the_start_is_refused():
    with pytest.raises(ValueError, match="ends before it starts"):
        Ramp(5, 4, 0.0, 1.0)


def test_a_sum_takes_the_weights_of_the_epoch_and_keeps_no_state():
    terms = {"dice": Dice("sigmoid"), "focal": Focal("sigmoid")}
    loss = WeightedSum(terms, {"dice": 2.0, "focal": Ramp(0, 10, 0.0, 5.0)})
    logits, target = torch.randn(1, 1, 6), torch.ones(1, 1, 6)
    dice, focal = (term(logits, target, ONE) for term in terms.values())
    for epoch, share in ((0, 0.0), (4, 2.0), (30, 5.0), (1, 0.5)):
        loss.at_epoch(epoch)
        torch.testing.assert_close(loss(logits, target, ONE), 2 * dice + share * focal)
    assert not loss.state_dict()
    torch.testing.assert_close(WeightedSum(terms, {"dice": 2.0, "focal": Ramp(0, 9, 1.0, 5.0)})(logits, target, ONE),
                               2 * dice + focal)  # fmt: skip
