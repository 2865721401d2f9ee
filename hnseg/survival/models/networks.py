"""What DeepSurv and DeepHit share: the perceptron, its plain state, and the estimator around it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hnseg.survival.models.base import TableModel
from hnseg.survival.models.training import Schedule, hold_out, one_thread, own_randomness, train
from hnseg.survival.state import State

WEIGHTS = "weights of a perceptron"
_COUNTERS = "num_batches_tracked"  # of batch norm; says nothing to a network that only predicts


def perceptron(inputs: int, hidden: int, outputs: int, dropout: tuple[float, float]) -> nn.Sequential:
    """Two hidden layers, each linear, ReLU, batch norm and dropout in this order, and a linear layer after them."""
    layers: list[nn.Module] = []
    for width, share in zip((inputs, hidden), dropout, strict=True):
        layers += [nn.Linear(width, hidden), nn.ReLU(), nn.BatchNorm1d(hidden), nn.Dropout(share)]
    return nn.Sequential(*layers, nn.Linear(hidden, outputs))


def weights_to_plain(net: nn.Module) -> dict[str, Any]:
    """Weights and batch norm's statistics by name, float64."""
    state = net.state_dict().items()
    arrays = {name: value.double().numpy().copy() for name, value in state if not name.endswith(_COUNTERS)}
    return {"kind": WEIGHTS, **arrays}


def load_weights(net: nn.Module, plain: object) -> None:
    """Put weights that :func:`weights_to_plain` wrote into a network of PyTorch's device ``meta``, and make it predict.

    Raises:
        ValueError: an array is missing, too much, of another shape or not finite.
    """
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    read = State(plain, WEIGHTS, [name for name in shapes if not name.endswith(_COUNTERS)])
    state = {name: torch.zeros(shape, dtype=torch.int64) for name, shape in shapes.items() if name.endswith(_COUNTERS)}
    for name in shapes.keys() - state.keys():
        state[name] = torch.from_numpy(read.array(name, shapes[name]))
        if name.endswith("running_var") and (state[name] < 0).any():
            raise read.refuse(name, "a variance, at least 0")
    net.load_state_dict(state, assign=True)
    net.eval()


class NetworkModel(TableModel):
    """An estimator around :func:`perceptron`: ``net_`` is float64 and in evaluation mode once it is fitted.

    Features should be on a common scale; the pipeline standardises them. A fifth of the training patients, drawn by the
    seed with and without the event apart, takes no part in the gradient and says which epoch's weights are kept.
    """

    DROPOUT: ClassVar[tuple[float, float]]

    hidden: int
    lr: float
    batch: int
    epochs: int
    patience: int
    net_: nn.Sequential

    def _train(self, values: NDArray[np.float64], event: NDArray[np.bool_], further: Tensor, outputs: int) -> None:
        """Fit ``net_`` to features (n, inputs), event (n,) and what else the loss wants to know (n,)."""
        self._check_parameters()
        rows = (torch.from_numpy(values).float(), torch.from_numpy(event).float(), further)
        plan = Schedule(self.batch, self.epochs, self.patience)
        with own_randomness(self.seed), one_thread():
            net = perceptron(values.shape[1], self.hidden, outputs, self.DROPOUT)
            train(net, self._loss, self._score, partial(self._optimiser, net), rows, hold_out(event, self.seed), plan)
        self.net_ = net.double()

    @abstractmethod
    def _loss(self, output: Tensor, event: Tensor, further: Tensor) -> Tensor:
        """Scalar of the network's output (n, outputs)."""

    def _score(self, output: Tensor, event: Tensor, further: Tensor) -> Tensor:
        """Scalar by which the best epoch is chosen on the held-out patients, smaller is better."""
        return self._loss(output, event, further)

    @abstractmethod
    def _optimiser(self, net: nn.Module, steps_per_epoch: int) -> Any:
        """What Lightning's ``configure_optimizers`` returns."""

    def _check_parameters(self) -> None:
        least = {"hidden": 1, "batch": 2, "epochs": 1, "patience": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"{name} of {self.KIND} must be at least {smallest}, not {getattr(self, name)}")
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr of {self.KIND} must be a finite number above 0, not {self.lr}")

    def _outputs(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, outputs) of the fitted network; patients with the same features get the same bits, so that they tie."""
        patients, place = np.unique(values, axis=0, return_inverse=True)
        with torch.inference_mode(), one_thread():
            return self.net_(torch.from_numpy(patients)).numpy()[place]

    def _restore_net(self, state: State, outputs: int) -> None:
        self._check_parameters()
        weights, first = state.plain["weights"], (self.hidden, len(self.columns_))
        if not isinstance(weights, Mapping) or getattr(weights.get("0.weight"), "shape", None) != first:
            raise state.refuse("weights", f"of shape {first} in the first layer, as parameters and columns say")
        with torch.device("meta"):  # takes no memory before all weights are known to be there
            net = perceptron(len(self.columns_), self.hidden, outputs, self.DROPOUT)
        load_weights(net, weights)
        self.net_ = net
