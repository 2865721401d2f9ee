"""Checkpoints that are always whole, always explain themselves, and from which a killed run goes on exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from hnseg.io import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes to a temporary file beside the target, flushes it to the disk and renames it.

    Whoever looks finds the old checkpoint or the new one, never a part of one. Streams to the file: no second copy of
    the weights in memory.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


class LastCheckpoint(Checkpoint):
    """Keeps ``last.ckpt`` at the end of every epoch and, within long epochs, every ``every_n_steps`` steps."""

    def __init__(self, folder: str | Path, every_n_steps: int = 200) -> None:
        self.path = Path(folder) / "last.ckpt"
        self.every_n_steps = every_n_steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # the last batch is left to on_train_epoch_end: in between, the scheduler has stepped and the epoch is not over
        last_batch = batch_idx + 1 >= trainer.num_training_batches
        if (batch_idx + 1) % self.every_n_steps == 0 and not last_batch and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path)


class BestPerStructure(Checkpoint):
    """Keeps ``best-<structure>.ckpt`` for each: the epoch with the best mean Dice of that structure in validation.

    Zhu et al. 2018 keep nine such checkpoints, but choose them on their test patients.
    """

    def __init__(self, folder: str | Path, label_names: Sequence[str]) -> None:
        self.folder = Path(folder)
        self.best = dict.fromkeys(label_names, -1.0)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        for name, best in self.best.items():
            dice = float(trainer.callback_metrics.get(f"val/dice_{name}", trainer.callback_metrics["val/dice"]))
            if dice > best:  # never where nobody annotated it, which is nan
                self.best[name] = dice
                trainer.save_checkpoint(self.folder / f"best-{name}.ckpt")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best |= state_dict["best"]


class SelfDescription(Callback):
    """Puts what prediction needs beside the weights, as plain data (see :mod:`hnseg.inference.checkpoint`)."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = dict(entry)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["hnseg"] = self.entry
