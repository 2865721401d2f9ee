"""`reproduce`: a table of a paper, by cross-validation or one training; what it will cost is said before it starts."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from hnseg.data import CaseDataModule
from hnseg.data.splits import Split, deal_out
from hnseg.modules import SegmentationModule
from hnseg.report.words import duration
from hnseg.run.arms import arms_of
from hnseg.run.beside_paper import paper_and_ours, results_of
from hnseg.run.cost import (
    Seen,
    Work,
    bytes_needed,
    case_sizes_mm,
    count_work,
    device_count,
    free_bytes,
    hours,
    sample_size,
    short_of_room,
)
from hnseg.run.folds import Fold, exit_code, folds_below, override_key, run_to_its_end
from hnseg.run.published_tables import PaperTable, paper_table
from hnseg.run.resolvers import to_plain
from hnseg.run.timing import Timing, time_network
from hnseg.run.validate import validate
from hnseg.types import Study

OWN_KEYS = ("table", "plan_only")


def main(config: DictConfig) -> int:
    """0; what `cv` or `train` returned where that is not 0."""
    experiment = HydraConfig.get().runtime.choices.get("experiment")
    if not experiment:
        raise ValueError("name the paper: hnseg reproduce iantsen2020_senorm table=1")
    table = paper_table(str(experiment), int(config.table))
    phantom = config.data.get("phantom") is not None
    overrides = task_overrides(table, list(HydraConfig.get().overrides.task), str(config.data.name), phantom)
    plain = to_plain(compose(table.task, overrides=overrides))
    validate(plain, plain["trust"])
    folder = Path(plain["paths"]["output"])
    _say_plan(table, plain, folder, overrides, bool(config.plan_only))
    if config.plan_only:
        return 0
    sys.stdout.flush()  # what it costs is said first, also where this goes into a file
    code = run_to_its_end([sys.executable, "-m", "hnseg.run.cli", table.task, *overrides])
    if results_of(table, folder).is_file():
        print(paper_and_ours(table, folder, plain["data"]["label_names"]))
    return exit_code(code)


def task_overrides(table: PaperTable, typed: Sequence[str], data: str, phantom: bool = False) -> list[str]:
    """What `cv` or `train` is told: the table's own choices, where the user has not chosen otherwise, and the rest.

    Raises:
        ValueError: something for a cross-validation was typed, and the table needs none.
    """
    kept = [override for override in typed if override_key(override) not in OWN_KEYS]
    chosen = {override_key(override) for override in kept}
    if table.task == "train" and (of_folds := sorted(key for key in chosen if key.startswith("cv."))):
        raise ValueError(f"{table.experiment} has one split and is trained once; leave {', '.join(of_folds)} out")
    own = table.own_words(data, phantom)
    return [*(override for override in own if override_key(override) not in chosen), *kept]


def _say_plan(
    table: PaperTable, plain: Mapping[str, Any], folder: Path, overrides: Sequence[str], plan_only: bool
) -> None:
    """Print data, work, hours and disk; nothing is prepared or trained.

    Raises:
        ValueError: the data set is not there, cannot be split so, or a disk has too little room.
    """
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    studies = [study for study in data.find_studies().studies if study.part == "test" or study.masks]
    splits = _splits(table, plain, folder, data, studies)
    if plain["threads"]:
        torch.set_num_threads(plain["threads"])
    module: SegmentationModule = instantiate(plain["model"], _convert_="all")
    sizes_mm = case_sizes_mm(studies, data.recipe)
    seen = sample_size(plain, sizes_mm, data.recipe.spacing_mm)
    work = count_work(plain, [split for fold, split in splits.items() if not fold.finished], len(splits), seen.visits)
    needed = bytes_needed(plain, data.recipe, sizes_mm, module, work, _masks(plain, studies, list(splits.values())))
    print(f"Table {table.number} of {table.source}: {table.title}")
    print(f"  command   {shlex.join(['hnseg', table.task, *overrides])}")
    print(f"  data      {_describe(studies, data.name)}")
    print(f"  networks  {work.folds}, of which {work.folds - work.waiting} are trained already: {folder}")
    if work.waiting:
        channels = len(plain["data"]["modalities"]) + module.clicks.channels
        timing = time_network(module, seen.size, channels, plain["trainer"])
        torch.cuda.empty_cache()  # the networks train in other processes, on the same device
        print(_time_lines(work, timing, plain, seen, hours(work, timing, plain, seen)))
        if data.recipe.full_box_mm is None and data.recipe.regions[0] not in ("image", "rainio2024"):
            print(f"            Sizes are of whole images, of which the region {data.recipe.regions[0]} keeps less")
    print(_disk_line(needed, folder))
    short = short_of_room(needed)
    if short and not plan_only:
        raise ValueError(f"{'; '.join(short)}. Free some, or choose other folders with paths.runs=DIR paths.cache=DIR")
    for sentence in short:
        print(f"  NOT ENOUGH ROOM: {sentence}")


def _splits(
    table: PaperTable, plain: Mapping[str, Any], folder: Path, data: CaseDataModule, studies: Sequence[Study]
) -> dict[Fold, Split]:
    """Every network and who it learns from; a table of one training has one, in the folder itself.

    Arms have the same folds, each in a folder of its own.
    """
    if table.task == "train":
        return {Fold(plain["fold"], folder): deal_out(data.splitter, studies)}
    names = plain["cv"]["folds"] or data.splitter.folds(studies)
    places = [arm.folder for arm in arms_of(plain, folder)] or [folder]
    folds = [fold for place in places for fold in folds_below(place, names)]
    return {fold: deal_out(data.splitter.for_fold(fold.name), studies) for fold in folds}


def _masks(plain: Mapping[str, Any], studies: Sequence[Study], splits: Sequence[Split]) -> int:
    """Masks that will be written: of a fold's patients there and among all folds', of test patients once."""
    of_folds = 2 * sum(len(split.test) for split in splits)
    return (of_folds + sum(study.part == "test" for study in studies)) * (2 if plain["postprocess"] else 1)


def _describe(studies: Sequence[Study], name: str) -> str:
    count = {part: sum(study.part == part for study in studies) for part in ("train", "test")}
    centres = sorted({study.centre for study in studies if study.part == "train"})
    of = f" of {', '.join(centres)}" if any(centres) else ""
    said = f"{name}: {count['train']} training patients{of}, {count['test']} test patients"
    if any(study.phantom for study in studies):
        said += "\n            PHANTOM: what comes out says nothing about the paper"
    return said


def _time_lines(work: Work, timing: Timing, plain: Mapping[str, Any], seen: Seen, estimate_h: float) -> str:
    size, devices = " x ".join(map(str, seen.size)), device_count(plain["trainer"])
    timed = " x ".join(map(str, timing.shape[2:]))
    at_most = "at most " if seen.visits > 1 else ""
    return (
        f"  work      {work.waiting} networks x {work.epochs} epochs: {at_most}{work.steps:,} steps of "
        f"{plain['batch_size']} x {size} voxels, {work.validated:,} patients through validation\n"
        f"  time      about {_hours(estimate_h)} on this machine with {devices} device{'s' * (devices > 1)}.\n"
        f"            An estimate: a step on {timed} took {timing.step_s:.2f} s, a forward pass {timing.forward_s:.2f} "
        "s, scaled by voxels;\n            reading, augmentation, testing and post-processing come on top"
    )


def _hours(estimate: float) -> str:
    return duration(estimate * 3600) if estimate < 2 else f"{estimate:,.0f} hours ({estimate / 24:,.1f} days)"


def _disk_line(needed: Mapping[str, tuple[Path, int]], folder: Path) -> str:
    parts = ", ".join(f"{name} {size / 1e9:.2f} GB" for name, (_, size) in needed.items())
    total = sum(size for _, size in needed.values())
    return f"  disk      up to {total / 1e9:.1f} GB ({parts}); {free_bytes(folder) / 1e9:.0f} GB are free"
