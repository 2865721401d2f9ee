"""`train`: compose -> prepare -> fit -> test -> report, from wherever an earlier start of the same run was stopped."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined]

from hnseg.data import CaseDataModule
from hnseg.inference import checkpoint_entry
from hnseg.modules import SegmentationModule
from hnseg.postprocess import Postprocess
from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.run.after_test import score_again
from hnseg.run.lock import only_one
from hnseg.run.resolvers import to_plain
from hnseg.run.resume import CONFIG, OVERRIDES, differences, repeatable
from hnseg.run.run_notes import best_epoch, describe, picture
from hnseg.run.score import score_postprocessed
from hnseg.run.stages import chosen_threshold, fit, make_trainer, test
from hnseg.run.threshold import TUNED, refuse_untunable
from hnseg.run.validate import validate


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
        describe(folder, plain, data, module, phantom, started)
        picture(folder, data)
    trainer = make_trainer(plain, folder, entry)
    fit(trainer, module, data, folder / "checkpoints" / "last.ckpt")
    finished = trainer.current_epoch >= (trainer.max_epochs or 0) or trainer.should_stop
    if finished and plain["threshold"] == TUNED:
        module.threshold = chosen_threshold(trainer, data, plain, folder)
    looks = test(trainer, module, data, plain, folder) if plain["test"] and finished else 0
    if not trainer.is_global_zero:
        return 0
    if looks:
        score_again(folder, data, plain)
    wall_time_s = time.monotonic() - began
    write_manifest(folder, finished=finished, wall_time_s=wall_time_s, test_looks=looks, best_epoch=best_epoch(folder))
    report = write_report(folder)
    for failure in data.cohort.failures:
        print(f"set aside: {failure}")
    print(f"report: {report}")
    return 1 if data.cohort.failures else 0
