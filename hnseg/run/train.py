"""`train`: compose -> prepare -> fit -> test -> report, from wherever an earlier start of the same run was stopped."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined]

from hnseg.data import CaseDataModule
from hnseg.data.facts import sample_pictures, training_facts
from hnseg.inference import checkpoint_entry
from hnseg.io import atomic_path, write_json
from hnseg.modules import AtomicCheckpointIO, CutLogOnResume, SegmentationModule, SelfDescription, TestRecorder
from hnseg.postprocess import Postprocess
from hnseg.prepare import Case
from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.report.training_data import FACTS, SAMPLES
from hnseg.run.ledger import record_look
from hnseg.run.lock import only_one
from hnseg.run.resolvers import to_plain
from hnseg.run.resume import CONFIG, OVERRIDES, differences, repeatable
from hnseg.run.score import (
    best_checkpoint,
    forget_postprocessing,
    run_predictor,
    score_postprocessed,
    write_official,
)
from hnseg.run.slice_scores import write_slice_scores
from hnseg.run.threshold import TUNED, refuse_untunable, tune_threshold
from hnseg.run.validate import validate

PICTURES = 6
"""Training samples that are shown before and after augmentation."""


def main(config: DictConfig) -> int:
    """Train, and return 0; 1 where patients had to be set aside."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    Postprocess.from_dict(plain["postprocess"], "the configuration")  # a chain that cannot be, before anything starts
    folder = Path(plain["paths"]["output"])
    if _is_first_process():
        with only_one(folder):
            return _start(plain, folder)
    return _train(plain, folder)


def _is_first_process() -> bool:
    rank: int | None = getattr(rank_zero_only, "rank", None)
    return not rank  # Lightning reads it from the environment of the launcher or of Slurm


def _start(plain: dict[str, Any], folder: Path) -> int:
    """Find out whether this run is new, stopped half-way or finished."""
    if plain["overwrite"]:
        shutil.rmtree(folder, ignore_errors=True)
    if (folder / CONFIG).is_file():
        _refuse_another(folder, plain)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(yaml.safe_dump(plain, sort_keys=False))
    untested = plain["test"] and not (folder / "cases.csv").is_file()
    if (folder / "manifest.json").is_file() and read_manifest(folder).get("finished") and not untested:
        if plain["test"] and score_postprocessed(folder, plain, again=True):
            write_report(folder)
        print(f"{folder.name} is finished; nothing to do. Report: {folder / 'report.html'}")
        print("To train it again: overwrite=true, or name=another; to train longer: trainer.max_epochs=N")
        return 0
    if not (folder / OVERRIDES).is_file():
        (folder / OVERRIDES).write_text(yaml.safe_dump(repeatable(HydraConfig.get().overrides.task)))
    return _train(plain, folder)


def _refuse_another(folder: Path, plain: dict[str, Any]) -> None:
    """A run's folder holds one run: a changed configuration is another, unless the user changed it in resuming."""
    changed = differences(yaml.safe_load((folder / CONFIG).read_text()), plain)
    overrides = HydraConfig.get().overrides.task if plain["resume"] else []
    said = {override.split("=")[0].lstrip("+~") for override in overrides}
    unexpected = [line for line in changed if not any(line.startswith(key) for key in said)]
    if unexpected:
        listed = "\n  ".join(unexpected)
        raise ValueError(
            f"{folder} holds a run of another configuration:\n  {listed}\n"
            "give this one a name of its own (name=...), or overwrite=true to throw the other away"
        )


def _train(plain: dict[str, Any], folder: Path) -> int:
    began, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    pl.seed_everything(plain["seed"], verbose=False)
    if plain["threads"]:
        torch.set_num_threads(plain["threads"])
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    data.prepare_data()
    data.setup()
    assert data.cohort is not None
    assert data.split is not None
    if data.split.protocol == "final" and "best" in (plain["callbacks"] or {}):
        raise ValueError(
            "split.final=true trains on the validation patients, who can then choose no epoch; "
            "add callbacks=last_weights"
        )
    phantom = any(case.phantom for case in data.cohort.cases)
    module: SegmentationModule = instantiate(plain["model"], _convert_="all")
    if plain["threshold"] == TUNED:
        refuse_untunable(module.labels)
    else:
        module.threshold = float(plain["threshold"])
    entry = checkpoint_entry(
        net=plain["model"]["net"],
        labels=module.labels,
        recipe=data.recipe,
        normalization=module.normalization,
        inference=module.inference,
        config=plain,
        phantom=phantom,
        postprocess=plain["postprocess"],
        clicks=module.clicks,
        threshold=module.threshold,
    )
    if _is_first_process():
        _describe(folder, plain, data, module, phantom, started)
        _picture(folder, data)
    trainer = _trainer(plain, folder, entry)
    _fit(trainer, module, data, folder / "checkpoints" / "last.ckpt")
    finished = trainer.current_epoch >= (trainer.max_epochs or 0) or trainer.should_stop
    if finished and plain["threshold"] == TUNED:
        module.threshold = _tune_threshold(trainer, data, plain, folder)
    looks = _test(trainer, module, data, plain, folder) if plain["test"] and finished else 0
    if not trainer.is_global_zero:
        return 0
    if looks:
        write_official(folder)
        if data.slices_scored:
            write_slice_scores(folder, _scorable(data), run_predictor(folder, plain), _least_pixels(data))
        forget_postprocessing(folder)
        score_postprocessed(folder, plain)
    wall_time_s = time.monotonic() - began
    write_manifest(folder, finished=finished, wall_time_s=wall_time_s, test_looks=looks, best_epoch=_best_epoch(folder))
    report = write_report(folder)
    for failure in data.cohort.failures:
        print(f"set aside: {failure}")
    print(f"report: {report}")
    return 1 if data.cohort.failures else 0


def _trainer(plain: dict[str, Any], folder: Path, entry: dict[str, Any]) -> pl.Trainer:
    own = [SelfDescription(entry), CutLogOnResume(), TestRecorder(folder)]
    callbacks = [instantiate(node, _convert_="all") for node in (plain["callbacks"] or {}).values()]
    loggers = [instantiate(node, _convert_="all") for node in (plain["logger"] or {}).values()]
    plugins = [AtomicCheckpointIO()]
    trainer: pl.Trainer = instantiate(
        plain["trainer"], callbacks=own + callbacks, logger=loggers, plugins=plugins, _convert_="all"
    )
    return trainer


def _fit(trainer: pl.Trainer, module: SegmentationModule, data: CaseDataModule, last: Path) -> None:
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


def _test(
    trainer: pl.Trainer, module: SegmentationModule, data: CaseDataModule, plain: dict[str, Any], folder: Path
) -> int:
    """Look at the test patients with the best weights; returns how often this split's test patients were looked at."""
    assert data.split is not None
    if not _scorable(data):
        print("no test patient has a mask: nothing to score (predict.py outlines them)")
        return 0
    looks = 0
    if trainer.is_global_zero:
        looks = record_look(Path(plain["paths"]["runs"]), plain["name"], data.name, data.split.name, data.split.key)
    trainer.test(module, datamodule=data, ckpt_path=str(best_checkpoint(folder)), weights_only=True, verbose=False)
    return looks


def _scorable(data: CaseDataModule) -> list[Case]:
    """Test patients who have a mask."""
    return [case for case in data.cases("test") if case.label is not None]


def _least_pixels(data: CaseDataModule) -> int:
    """How many pixels of a structure make a slice count."""
    return getattr(data.view, "least_pixels", 1)


def _tune_threshold(trainer: pl.Trainer, data: CaseDataModule, plain: dict[str, Any], folder: Path) -> float:
    """The first process chooses, for all of them."""
    chosen = 0.0
    if trainer.is_global_zero:
        chosen = tune_threshold(folder, data.cases("train"), plain, _least_pixels(data))
    return trainer.strategy.broadcast(chosen)


def _describe(
    folder: Path, plain: dict[str, Any], data: CaseDataModule, module: SegmentationModule, phantom: bool, started: str
) -> None:
    """What is known before the first step."""
    assert data.cohort is not None
    assert data.split is not None
    counts = {f"n_{part}": len(getattr(data.split, part)) for part in ("train", "val", "test")}
    write_manifest(
        folder,
        name=folder.name,
        task="train",
        finished=False,
        started=started,
        seed=plain["seed"],
        phantom=phantom,
        data={"name": data.name, "key": data.cohort.key, **counts},
        split=data.split.to_dict(),
        failed_cases=[{"case": f.case_id, "message": f.message} for f in data.cohort.failures],
        cases={case.case_id: str(case.folder) for case in data.cohort.cases},
        parameters=sum(p.numel() for p in module.net.parameters()),
        monitor=plain["monitor"]["metric"],
    )


def _picture(folder: Path, data: CaseDataModule) -> None:
    """What the network learns from, for the report: counts over all training patients, and a few samples."""
    if (folder / FACTS).is_file() and (folder / SAMPLES).is_file():
        return
    write_json(folder / FACTS, training_facts(data.cases("train")))
    pictures: dict[str, Any] = sample_pictures(data.training_samples(), data.labels.names, PICTURES)
    with atomic_path(folder / SAMPLES) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **pictures)


def _best_epoch(folder: Path) -> int | None:
    """0-based epoch of best.ckpt, read as data."""
    path = folder / "checkpoints" / "best.ckpt"
    return int(torch.load(path, weights_only=True, map_location="cpu")["epoch"]) if path.is_file() else None
