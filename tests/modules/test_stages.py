from functools import partial

import pytest
import torch

from hnseg.modules import Stages

FIRST = partial(torch.optim.RMSprop, lr=0.1)
THEN = partial(torch.optim.SGD, lr=0.01, momentum=0.9)


def weights() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.tensor([1.0, -2.0]))]


def walk(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], epochs: range) -> None:
    """Two steps an epoch downhill on the sum of squares."""
    for epoch in epochs:
        for _ in range(2):
            if isinstance(optimizer, Stages):
                optimizer.at_epoch(epoch)
            optimizer.zero_grad()
            sum((p**2).sum() for p in parameters).backward()
            optimizer.step()


def test_it_is_the_first_and_then_the_second() -> None:
    ours, theirs = weights(), weights()
    staged = Stages(ours, FIRST, THEN, switch_epoch=2)
    walk(staged, ours, range(4))
    walk(FIRST(theirs), theirs, range(2))
    walk(THEN(theirs), theirs, range(2, 4))
    assert torch.equal(ours[0], theirs[0])
    assert staged.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_it_resumes_in_either_stage(killed_after: int) -> None:
    whole, halves = weights(), weights()
    walk(Stages(whole, FIRST, THEN, switch_epoch=2), whole, range(5))
    first = Stages(halves, FIRST, THEN, switch_epoch=2)
    walk(first, halves, range(killed_after))
    again = Stages(halves, FIRST, THEN, switch_epoch=2)
    again.load_state_dict(first.state_dict())
    assert again.param_groups[0]["lr"] == first.param_groups[0]["lr"]
    walk(again, halves, range(killed_after, 5))
    assert torch.equal(whole[0], halves[0])


def test_a_scheduler_acts_on_the_stage_at_work() -> None:
    parameters = weights()
    staged = Stages(parameters, FIRST, THEN, switch_epoch=1)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(staged, factor=0.5, patience=0, mode="max")
    plateau.step(1.0)
    plateau.step(0.5)
    assert (staged.stages[0].param_groups[0]["lr"], staged.stages[1].param_groups[0]["lr"]) == (0.05, 0.01)
    staged.at_epoch(1)
    plateau.step(0.4)
    assert (staged.stages[0].param_groups[0]["lr"], staged.stages[1].param_groups[0]["lr"]) == (0.05, 0.005)


def test_a_first_stage_of_no_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="switch_epoch=0"):
        Stages(weights(), FIRST, THEN, switch_epoch=0)
