"""Training a small network on a table with Lightning: quiet, on the CPU, the same for the same seed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch import Tensor, nn

HELD_OUT = 0.2

Rows = tuple[Tensor, ...]  # features (n, inputs), then what the loss compares with, each (n,)
Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long to train: batches of at most so many patients, epochs, and how many without progress before a stop."""

    batch: int
    epochs: int
    patience: int


class Batches:
    """Patients in a new order each epoch, in batches as equal as they go: batch norm cannot take a batch of one."""

    def __init__(self, rows: Rows, batch: int) -> None:
        self.rows = rows
        patients = len(rows[0])
        self.number = max(1, min(-(-patients // batch), patients // 2))

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Rows]:
        for chosen in torch.randperm(len(self.rows[0])).tensor_split(self.number):
            yield tuple(part[chosen] for part in self.rows)


class TableModule(pl.LightningModule):
    """A network on rows of a table that remembers its best weights by a score of held-out rows.

    That score is computed in a hook, not in Lightning's validation loop, which costs more than such a network.
    """

    def __init__(
        self, net: nn.Module, loss: Loss, score: Loss, optimiser: Callable[[], Any], held_out: Rows, patience: int
    ) -> None:
        super().__init__()
        self.net, self.loss, self.score, self.optimiser = net, loss, score, optimiser
        self.held_out, self.patience = held_out, patience
        self.lowest, self.best, self.waited = float("inf"), _copy(net), 0

    def training_step(self, batch: Rows, batch_idx: int) -> Tensor:  # noqa: ARG002
        return self.loss(self.net(batch[0]), *batch[1:])

    def configure_optimizers(self) -> Any:
        return self.optimiser()

    def on_train_epoch_end(self) -> None:
        self.net.eval()
        with torch.no_grad():
            score = float(self.score(self.net(self.held_out[0]), *self.held_out[1:]))
        self.net.train()
        self.waited += 1
        if score < self.lowest:
            self.lowest, self.best, self.waited = score, _copy(self.net), 0
        if self.waited >= self.patience:
            self.trainer.should_stop = True


def train(
    net: nn.Module,
    loss: Loss,
    score: Loss,
    optimiser: Callable[[int], Any],
    rows: Rows,
    held_out: NDArray[np.bool_],
    plan: Schedule,
) -> None:
    """Train ``net`` on the rows that are not held out; it is left with the weights of its best epoch, to predict.

    Args:
        net: (n, inputs) to (n, outputs).
        loss: of the network's output and the rows' further parts.
        score: of the same on the held-out rows; the epoch with the smallest is the best.
        optimiser: steps an epoch to what Lightning's ``configure_optimizers`` returns.
        rows: all training patients.
        held_out: (n,) rows from which no gradient comes.
        plan: batches and epochs.
    """
    held, kept = torch.from_numpy(held_out), torch.from_numpy(~held_out)
    batches = Batches(tuple(part[kept] for part in rows), plan.batch)
    module = TableModule(
        net, loss, score, lambda: optimiser(len(batches)), tuple(part[held] for part in rows), plan.patience
    )
    with _quiet():
        _trainer(plan.epochs).fit(module, batches)
    net.load_state_dict(module.best)
    net.eval()


def hold_out(event: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """(n,) a fifth of the patients with and without the event, and at least one with it."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(event), dtype=bool)
    for group, least in ((event, 1), (~event, 0)):
        rows = np.flatnonzero(group)
        held[rng.permutation(rows)[: max(least, round(HELD_OUT * len(rows)))]] = True
    return held


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Inside, torch draws from ``seed`` on the CPU; outside, nobody notices."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch computes in one thread: sums, and so their bits, do not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _trainer(epochs: int) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=1,
        plugins=[LightningEnvironment()],  # otherwise a job of SLURM or torchrun is taken for one that is shared
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _copy(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}
