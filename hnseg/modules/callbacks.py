"""What happens beside the training step: a line an epoch, a log cut on resume, the test patients' masks and scores."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch.distributed
from pytorch_lightning.callbacks import Callback

from hnseg.io import write_rows, write_volume
from hnseg.modules.metrics_csv import MetricsCsv


class EpochLines(Callback):
    """Prints a line an epoch: what a log file of a cluster job shows where a progress bar cannot."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self._began = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        known = trainer.callback_metrics
        shown = dict.fromkeys(("train/loss", "val/loss", self.metric))  # each once: the metric may be a loss
        parts = [f"{key} {float(known[key]):.4f}" for key in shown if key in known]
        if trainer.is_global_zero:
            epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            print(f"{epoch}: {', '.join(parts)} ({time.monotonic() - self._began:.1f} s)", flush=True)


class CutLogOnResume(Callback):
    """Takes back what was logged after the checkpoint that a run goes on from."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCsv) and trainer.is_global_zero:
                logger.cut(trainer.global_step)


class TestRecorder(Callback):
    """Writes every test patient's mask on the patient's own grid, and at the end one row a patient and structure."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._rows: list[dict[str, Any]] = []

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._rows = []

    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._rows += outputs["rows"]
        write_volume(outputs["mask"], self.folder / "predictions" / f"{batch['case_id']}.nii.gz")

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        rows = {(row["case"], row["structure"]): row for row in _gather(self._rows, trainer.world_size)}
        if trainer.is_global_zero and rows:
            write_rows(self.folder / "cases.csv", [rows[key] for key in sorted(rows)])


def _gather(rows: list[dict[str, Any]], world_size: int) -> list[dict[str, Any]]:
    """The rows of all processes; with one process, its own."""
    if world_size == 1:
        return rows
    shares: list[list[dict[str, Any]]] = [[] for _ in range(world_size)]
    torch.distributed.all_gather_object(shares, rows)
    return [row for share in shares for row in share]
