"""DeepHit for a single risk: the probability of the event in each of a few bins of time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from hnseg.survival.losses import deephit_loss, interval_likelihood
from hnseg.survival.models.curves import read_times
from hnseg.survival.models.design import training_design
from hnseg.survival.models.networks import NetworkModel, weights_to_plain
from hnseg.survival.objects import Outcome
from hnseg.survival.state import State


class DeepHit(NetworkModel):
    """Lee et al. 2018 (AAAI, doi:10.1609/aaai.v32i1.11842) with the settings of Bourigault et al. 2021.

    Linear 32, ReLU, batch norm, dropout 0.2; linear 32, ReLU, batch norm, dropout 0.5; linear to 10 bins and one more
    for no event within them; softmax. Bins end at quantiles of the training patients' event times. Adam, batches of 50,
    up to 100 epochs, early stopping. Between the ends of bins survival is linear in time, after the last it stays. The
    risk is minus the restricted mean survival, in days: the area under that curve until the end of the last bin.

    Departures: quantiles, where pycox's default are equal steps; a learning rate of 0.01, because in 100 epochs of so
    few patients the published 1e-4 orders them no better than chance; the best epoch is that of the held-out likelihood
    alone, because the ranking's exponential grows with every pair that a network is sure and wrong of, and stops
    training before it has begun; batches of equal size; see also :func:`deephit_loss`.

    Args:
        bins: of time; fewer where fewer times of events differ.
        hidden: units of both hidden layers.
        lr: of Adam.
        alpha: weight of the likelihood; the ranking has the rest of 1.
        sigma: scale of the ranking's exponential.
        batch: patients in a batch, at most.
        epochs: at most.
        patience: epochs without progress before a stop.
        seed: of weights, order, dropout and of who is held out.
    """

    KIND = "DeepHit"
    STATE_KEYS = ("weights", "ends_days")
    DROPOUT = (0.2, 0.5)

    def __init__(
        self,
        bins: int = 10,
        hidden: int = 32,
        lr: float = 0.01,
        alpha: float = 0.2,
        sigma: float = 0.1,
        batch: int = 50,
        epochs: int = 100,
        patience: int = 10,
        seed: int = 0,
    ) -> None:
        self.bins = bins
        self.hidden = hidden
        self.lr = lr
        self.alpha = alpha
        self.sigma = sigma
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
        self.ends_days_ = bin_ends(time_days[event], self.bins)
        survived = torch.from_numpy(bins_survived(self.ends_days_, event, time_days))
        self._train(values, event, survived, outputs=len(self.ends_days_) + 1)
        return self

    def _loss(self, output: Tensor, event: Tensor, further: Tensor) -> Tensor:
        return deephit_loss(output, event, further, self.alpha, self.sigma)

    def _score(self, output: Tensor, event: Tensor, further: Tensor) -> Tensor:
        return interval_likelihood(output, event, further)

    def _optimiser(self, net: nn.Module, steps_per_epoch: int) -> Any:  # noqa: ARG002
        return torch.optim.Adam(net.parameters(), lr=self.lr, foreach=True)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not 0 <= self.alpha <= 1 or not self.sigma > 0 or self.bins < 1:
            raise ValueError(
                f"DeepHit needs alpha within 0 and 1, sigma above 0 and at least 1 bin, not {self.alpha}, "
                f"{self.sigma} and {self.bins}"
            )

    def _curves(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, bins + 1) survival at day 0 and at the end of each bin."""
        mass = softmax(self._outputs(values), axis=1)
        later = mass[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        return np.concatenate([np.ones((len(mass), 1)), np.minimum(later, 1)], axis=1)

    def _knots(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], self.ends_days_])

    def _risk(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        curves = self._curves(values)
        return -((curves[:, :-1] + curves[:, 1:]) / 2 * np.diff(self._knots())).sum(axis=1)

    def _survival(self, values: NDArray[np.float64], times_days: NDArray[np.float64]) -> NDArray[np.float64]:
        knots = self._knots()
        weights = np.array([np.interp(times_days, knots, only) for only in np.eye(len(knots))])
        return self._curves(values) @ weights

    def _state(self) -> dict[str, Any]:
        return {"weights": weights_to_plain(self.net_), "ends_days": self.ends_days_}

    def _restore(self, state: State) -> None:
        self.ends_days_ = read_times(state, "ends_days")
        self._restore_net(state, outputs=len(self.ends_days_) + 1)


def bin_ends(event_days: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Ends of at most so many bins, each with about as many events; the last is the last event.

    An end is the time of an event and belongs to the bin that it ends.
    """
    return np.unique(np.quantile(event_days, np.arange(1, bins + 1) / bins, method="inverted_cdf"))


def bins_survived(
    ends_days: NDArray[np.float64], event: NDArray[np.bool_], time_days: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(n,) how many bins each patient is known to have passed without the event; an event is in the bin after them."""
    before, until = (np.searchsorted(ends_days, time_days, side=side) for side in ("left", "right"))
    return np.where(event, before, until)
