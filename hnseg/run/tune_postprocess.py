"""`tune-postprocess`: settings of a post-processing chain, chosen on inner-validation patients only."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from omegaconf import DictConfig
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.evaluate.search import bounds, make_search
from hnseg.evaluate.tuning import PredictedCase, Scorer, Trial, best_trial, chain_with, chosen_chain, overlaid, tune
from hnseg.inference import load_checkpoint
from hnseg.inference.rewrite import rewrite_postprocess
from hnseg.io import write_rows
from hnseg.postprocess import Postprocess
from hnseg.report import read_manifest
from hnseg.run.device import device_named
from hnseg.run.lock import only_one
from hnseg.run.resolvers import to_plain
from hnseg.run.resume import OVERRIDES
from hnseg.run.score import best_checkpoint, write_chain
from hnseg.run.validate import validate
from hnseg.run.validation import predict_once, validation_cases

TABLE = "tuning.csv"


def main(config: DictConfig) -> int:
    """0."""
    plain = to_plain(config)
    if plain["threads"]:
        torch.set_num_threads(plain["threads"])
    folder = Path(plain["run"]).expanduser()
    manifest = read_manifest(folder)
    plain["space"] = _space(plain)
    _refuse_unknown(plain)
    with only_one(folder):
        if manifest.get("task") == "cv":
            _tune_folds(folder, manifest, plain)
        else:
            _tune_run(folder, plain, _scorer(folder, plain))
    print(f"No test patient was looked at. To score them with it: {_next_command(folder, manifest)}")
    return 0


def _tune_run(run: Path, plain: Mapping[str, Any], scorer: Scorer) -> list[PredictedCase]:
    """Tune one network on its own validation patients; its checkpoint carries the winner from then on."""
    manifest = read_manifest(run)
    cases = validation_cases(run, manifest)
    path = best_checkpoint(run)
    patients = predict_once(run, load_checkpoint(path, plain["trust"]), cases, device_named(plain["device"]))
    rewrite_postprocess(path, _choose(run, patients, plain, scorer, bool(manifest["phantom"])))
    return patients


def _tune_folds(folder: Path, manifest: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
    """Each fold on its own validation patients, then one chain on all of them, for the ensemble.

    The pooled choice has seen patients whom other folds hold out: it is for new patients, and no out-of-fold table may
    be made with it.
    """
    if not manifest.get("finished"):
        raise ValueError(f"{folder} is not finished: give its hnseg cv command again, then tune")
    runs = [folder / "folds" / name for name in manifest["folds"]]
    for run in runs:
        validation_cases(run, read_manifest(run))  # all that could be refused is refused before the first fold is tuned
    patients: list[PredictedCase] = []
    scorer = _scorer(runs[0], plain)
    for run in runs:
        with only_one(run):
            patients += _tune_run(run, plain, scorer)
    print("all folds together, for new patients only:")
    _choose(folder, patients, plain, scorer, bool(manifest["phantom"]))


def _choose(
    folder: Path, patients: Sequence[PredictedCase], plain: Mapping[str, Any], scorer: Scorer, phantom: bool
) -> Any:
    """Search, and write the table of trials and the winner's chain into ``folder``."""
    search = make_search(plain["search"], plain["space"], plain["trials"], plain["seed"])
    columns = (TextColumn(f"tune {folder.name}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=(1 + len(search)) * len(patients))
        trials = tune(patients, plain["postprocess"], search, scorer, lambda: progress.advance(bar))
    best = best_trial(trials)
    chain = chosen_chain(plain["postprocess"], trials[best])
    write_rows(folder / TABLE, [_row(number, trial, number == best, phantom) for number, trial in enumerate(trials)])
    write_chain(folder, chain)
    print(_verdict(folder, trials, best, plain["postprocess"]))
    return chain


def _row(number: int, trial: Trial, best: bool, phantom: bool) -> dict[str, Any]:
    return {
        "trial": number,
        "postprocess": trial.parameters is not None,
        **(trial.parameters or {}),
        "n": len(trial.scores),
        "dice_mean": trial.dice_mean,
        "dice_sd": trial.dice_sd,
        "false_positive_mm3_mean": trial.false_positive_mm3,
        "best": best,
        "phantom": phantom,
    }


def _verdict(folder: Path, trials: Sequence[Trial], best: int, chain: Mapping[str, Any]) -> str:
    baseline, trial = trials[0], trials[best]
    on = f"mean Dice of {len(baseline.scores)} validation predictions"
    if trial.parameters is None:
        tried = max(other.dice_mean for other in trials[1:])
        return (
            f"{folder.name}: none of {len(trials) - 1} settings of {', '.join(chain)} beats no post-processing "
            f"({on} {baseline.dice_mean:.4f}, at best {tried:.4f} with it): the choice is none"
        )
    said = ", ".join(f"{name}={value}" for name, value in trial.parameters.items()) or ", ".join(chain)
    return f"{folder.name}: {said}: {on} {trial.dice_mean:.4f}, without post-processing {baseline.dice_mean:.4f}"


def _space(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What the user said, else the default space of each step in the chain."""
    if plain["space"] is not None:
        return dict(plain["space"])
    defaults = {step: plain["spaces"].get(step) or {} for step in plain["postprocess"]}
    return {f"{step}.{key}": domain for step, keys in defaults.items() for key, domain in keys.items()}


def _refuse_unknown(plain: Mapping[str, Any]) -> None:
    """Every key of the space is one that a step of the chain takes, with any value that the space gives it.

    Raises:
        ValueError: it is not, with the nearest right spelling.
    """
    chain, space = plain["postprocess"], plain["space"]
    if not chain:
        raise ValueError("postprocess=none has nothing to tune; name a chain, such as postprocess=crf")
    if Postprocess.from_dict(chain, "postprocess=...").needs_clicks:
        raise ValueError(
            "a chain that needs clicks is not tuned: whether it helps depends on whose clicks it gets; leave "
            "click_filter out here, and name it where you predict"
        )
    make_search(plain["search"], space, plain["trials"], plain["seed"])
    for name in space:
        step, _, key = name.partition(".")
        if step not in chain or not key:
            near = difflib.get_close_matches(step, list(chain), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the chain has {', '.join(chain)}"
            raise ValueError(f"space: {name}: the chain has no step {step!r}; {hint} Write it as STEP.KEY")
    for name, domain in space.items():
        for value in bounds(domain):
            validate({"postprocess": overlaid(chain, {name: value})})
            chain_with(chain, {name: value})


def _scorer(run: Path, plain: Mapping[str, Any]) -> Scorer:
    return Scorer(load_checkpoint(best_checkpoint(run), plain["trust"]).labels, device_named(plain["device"]))


def _next_command(folder: Path, manifest: Mapping[str, Any]) -> str:
    if manifest.get("task") != "cv":
        return f"hnseg train resume={shlex.quote(str(folder))}"
    before = yaml.safe_load((folder / OVERRIDES).read_text()) or []
    return shlex.join(["hnseg", "cv", *before])
