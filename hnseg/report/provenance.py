"""Where a run comes from, and what to type to use it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hnseg.report.run_folder import RunFolder
from hnseg.report.words import duration

MACHINE = {
    "system": "System",
    "processor": "Processor",
    "cores": "Processor cores",
    "memory_gib": "Memory (GiB)",
    "devices": "Accelerators",
    "cuda": "CUDA",
}


def facts(run: RunFolder) -> dict[str, str]:
    """What else was noted about the run, in the order in which a reader asks for it."""
    manifest, machine = run.manifest, run.manifest.get("hardware", {})
    commit = str(manifest.get("commit") or "unknown") + (" with uncommitted changes" if manifest.get("dirty") else "")
    parameters = manifest.get("parameters")
    found = {
        "Parameters": f"{parameters:,}" if isinstance(parameters, int) else "",
        "Loss": run.target_of("loss"),
        "Started": manifest.get("started"),
        "Wall time": duration(manifest.get("wall_time_s")),
        "Seed": manifest.get("seed"),
        "Data key": manifest.get("data", {}).get("key"),
        "hnseg": manifest.get("version"),
        "Commit": commit,
        **{MACHINE.get(name, name): _plain(value) for name, value in machine.items()},
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def run_commands(folder: Path) -> dict[str, str]:
    """What to type to use a run."""
    run = _typed(folder)
    return {
        "Go on training, or start the same run again": f"python train.py resume={run}",
        "Choose post-processing on its validation patients": f"hnseg tune-postprocess {run}",
        "Outline a folder of scans": f"python predict.py checkpoint={run} input=DIR output=DIR",
        "Write this page again": f"hnseg report {run}",
    }


def cv_commands(run: RunFolder, *, finished: bool) -> dict[str, str]:
    """What to type to use a cross-validation, or to finish it; that only where it is known what was typed."""
    folder = _typed(run.folder)
    commands = {}
    if (run.folder / "overrides.yaml").is_file():
        what = "Start the same again: what is finished stays" if finished else "Go on with what is not finished"
        commands[what] = shlex.join(["hnseg", "cv", *run.overrides])
    if finished:
        outline = "Outline a folder of scans with the mean of all folds"
        commands |= {
            "Choose post-processing on the folds' validation patients": f"hnseg tune-postprocess {folder}",
            outline: f"python predict.py checkpoint={folder} input=DIR output=DIR",
        }
    return commands | {"Write this page again": f"hnseg report {folder}"}


def survival_commands(run: RunFolder, models: Sequence[str], *, finished: bool) -> dict[str, str]:
    """What to type to use the saved models of an experiment on outcomes, or to finish it."""
    commands = {}
    if (run.folder / "overrides.yaml").is_file():
        what = "Start the same again: what is finished stays" if finished else "Go on with what is not finished"
        commands[what] = shlex.join(["hnseg", "survival", *run.overrides])
    for model in models:
        saved, given = _typed(run.folder / "models" / model), _given(model.partition("-")[2].split("+"))
        commands[f"Apply {model} to new patients"] = f"hnseg survival predict model={saved} {given} output=risks.csv"
    return commands | {"Write this page again": f"hnseg report {_typed(run.folder)}"}


def _given(blocks: Sequence[str]) -> str:
    """What a saved model of some blocks of features has to be given."""
    if list(blocks) == ["clinical"]:
        return "input=TABLE.csv"
    others = {"clinical=TABLE.csv": {"clinical"}, "masks=DIR": {"ct", "pt"}}
    return " ".join(["input=DIR", *(name for name, needed_by in others.items() if needed_by & set(blocks))])


def _typed(folder: Path) -> str:
    """A folder as it is typed: from the working directory where it lies below it."""
    absolute = folder.resolve()
    here = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
    return shlex.quote(str(here))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "none"
    return "" if value is None else str(value)
