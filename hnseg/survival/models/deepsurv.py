"""DeepSurv: Cox regression with a perceptron in place of the linear risk."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hnseg.survival.losses import cox_loss
from hnseg.survival.models.adam_wr import adam_wr
from hnseg.survival.models.curves import breslow, read_times, step_columns
from hnseg.survival.models.design import training_design
from hnseg.survival.models.networks import NetworkModel, weights_to_plain
from hnseg.survival.objects import Outcome
from hnseg.survival.state import State

MOST_LOG_RISK = 700.0  # its exponential is still finite


class DeepSurv(NetworkModel):
    """Katzman et al. 2018 (doi:10.1186/s12874-018-0482-1) with the layers and the training of Bourigault et al. 2021.

    Linear 32, ReLU, batch norm, dropout 0.3; linear 32, ReLU, batch norm, dropout 0.1; linear 1. AdamWR, batches of 50,
    100 epochs, stop after 10 without progress. The risk is the logarithm of the hazard, less its mean over the training
    patients; survival is that of the proportional hazard with Breslow's baseline of the training patients.

    Departures: as many inputs as there are features, where 47 was written into the code of the publication; batches of
    equal size; see also :func:`cox_loss` and :func:`adam_wr`.

    Args:
        hidden: units of both hidden layers.
        lr: of AdamWR at the start of the first cycle.
        decay: of the weights, each step.
        batch: patients in a batch, at most.
        epochs: at most.
        patience: epochs without progress before a stop.
        seed: of weights, order, dropout and of who is held out.
    """

    KIND = "DeepSurv"
    STATE_KEYS = ("weights", "times_days", "hazard", "centre")
    DROPOUT = (0.3, 0.1)

    def __init__(
        self,
        hidden: int = 32,
        lr: float = 0.01,
        decay: float = 0.01,
        batch: int = 50,
        epochs: int = 100,
        patience: int = 10,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.lr = lr
        self.decay = decay
        self.batch = batch
        self.epochs = epochs
        self.patience = patience
        self.seed = seed

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit to finite features.

        Raises:
            ValueError: fewer than three patients or two events, no feature, a value that is not finite, or a parameter
                out of range.
        """
        names, values, event, time_days = training_design(features, outcome, patients=3, events=2)
        self._fitted_on(names, values, event, time_days)
        self._train(values, event, torch.from_numpy(time_days), outputs=1)
        self.centre_ = float(self._outputs(values).mean())
        self.times_days_, self.hazard_ = breslow(event, time_days, self._risk(values))
        return self

    def _loss(self, output: Tensor, event: Tensor, further: Tensor) -> Tensor:
        return cox_loss(output[:, 0], event, further)

    def _optimiser(self, net: nn.Module, steps_per_epoch: int) -> Any:
        return adam_wr(net.parameters(), self.lr, self.decay, steps_per_epoch)

    def _risk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._outputs(values)[:, 0] - self.centre_

    def _survival(self, values: NDArray[np.float64], times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        hazard = step_columns(self.times_days_, self.hazard_, times_days, before=0.0)
        return np.exp(-hazard * np.exp(np.minimum(self._risk(values), MOST_LOG_RISK))[:, None])

    def _state(self) -> dict[str, Any]:
        return {
            "weights": weights_to_plain(self.net_),
            "times_days": self.times_days_,
            "hazard": self.hazard_,
            "centre": self.centre_,
        }

    def _restore(self, state: State) -> None:
        self._restore_net(state, outputs=1)
        self.times_days_ = read_times(state, "times_days")
        self.hazard_ = state.array("hazard", (len(self.times_days_),))
        if (np.diff(self.hazard_, prepend=0.0) < 0).any():
            raise state.refuse("hazard", "at least 0 and must not fall over time")
        self.centre_ = state.number("centre")
