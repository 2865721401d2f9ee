"""Two optimizers of one run, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

Build = Callable[..., torch.optim.Optimizer]


class Stages(torch.optim.Optimizer):
    """An optimizer that is ``first`` until ``switch_epoch``, and ``then`` from it on.

    Zhu et al. 2018 (doi:10.1002/mp.13300, section 2.4) train with RMSprop and end with SGD. Which one steps depends on
    the epoch alone, and a checkpoint holds the state of both, so a run resumes in either stage. Each keeps a
    learning rate of its own; a scheduler acts on the one at work.

    Args:
        params: what to optimise.
        first, then: parameters to an optimizer.
        switch_epoch: the first epoch (from 0) of ``then``.

    Raises:
        ValueError: ``switch_epoch`` is below 1.
    """

    def __init__(self, params: Iterable[Any], first: Build, then: Build, switch_epoch: int) -> None:
        if switch_epoch < 1:
            raise ValueError(f"optimizer.switch_epoch={switch_epoch}: the first stage needs at least one epoch")
        params = list(params)
        self.stages = (first(params), then(params))
        self.switch_epoch = switch_epoch
        super().__init__(params, {})
        self.at_epoch(0)

    def at_epoch(self, epoch: int) -> None:
        """Be the optimizer of this epoch."""
        self._stage = self.stages[epoch >= self.switch_epoch]
        self.param_groups, self.state = self._stage.param_groups, self._stage.state

    def step(self, closure: Any = None) -> Any:
        return self._stage.step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        self._stage.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {"stages": [stage.state_dict() for stage in self.stages], "now": self.stages.index(self._stage)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for stage, state in zip(self.stages, state_dict["stages"], strict=True):
            stage.load_state_dict(state)
        self.at_epoch(self.switch_epoch * state_dict["now"])
