"""The three stages of a run in Lightning's hands: fit, choose a threshold, test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate

from hnseg.data import CaseDataModule
from hnseg.modules import AtomicCheckpointIO, CutLogOnResume, SegmentationModule, SelfDescription, TestRecorder
from hnseg.run.after_test import least_pixels, scorable
from hnseg.run.ledger import record_look
from hnseg.run.score import best_checkpoint
from hnseg.run.threshold import tune_threshold


def make_trainer(plain: dict[str, Any], folder: Path, entry: dict[str, Any]) -> pl.Trainer:
    """Lightning's trainer as configured, with what every run of hnseg has beside."""
    own = [SelfDescription(entry), CutLogOnResume(), TestRecorder(folder)]
    callbacks = [instantiate(node, _convert_="all") for node in (plain["callbacks"] or {}).values()]
    loggers = [instantiate(node, _convert_="all") for node in (plain["logger"] or {}).values()]
    plugins = [AtomicCheckpointIO()]
    trainer: pl.Trainer = instantiate(
        plain["trainer"], callbacks=own + callbacks, logger=loggers, plugins=plugins, _convert_="all"
    )
    return trainer


def fit(trainer: pl.Trainer, module: SegmentationModule, data: CaseDataModule, last: Path) -> None:
    """Train from wherever ``last`` is; a method without weights has nothing to learn, and is written down as it is."""
    if not any(True for _ in module.net.parameters()):
        assert trainer.fit_loop.max_epochs is not None
        trainer.fit_loop.max_epochs = 0
        trainer.fit(module, datamodule=data)
        trainer.save_checkpoint(last)
        return
    if last.is_file() and trainer.is_global_zero:
        print(f"going on from {last}")
    trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.is_file() else None, weights_only=True)


def chosen_threshold(trainer: pl.Trainer, data: CaseDataModule, plain: dict[str, Any], folder: Path) -> float:
    """The first process chooses, for all of them."""
    chosen = 0.0
    if trainer.is_global_zero:
        chosen = tune_threshold(folder, data.cases("train"), plain, least_pixels(data))
    return trainer.strategy.broadcast(chosen)


def test(
    trainer: pl.Trainer, module: SegmentationModule, data: CaseDataModule, plain: dict[str, Any], folder: Path
) -> int:
    """Look at the test patients with the best weights; returns how often this split's test patients were looked at."""
    assert data.split is not None
    if not scorable(data):
        print("no test patient has a mask: nothing to score (predict.py outlines them)")
        return 0
    looks = 0
    if trainer.is_global_zero:
        looks = record_look(Path(plain["paths"]["runs"]), plain["name"], data.name, data.split.name, data.split.key)
    trainer.test(module, datamodule=data, ckpt_path=str(best_checkpoint(folder)), weights_only=True, verbose=False)
    return looks
