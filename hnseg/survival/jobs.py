"""Pieces of an experiment on their way through processes to files."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from hnseg.io.json_files import write_json
from hnseg.survival.code_key import code_key
from hnseg.survival.final_fit import Destination, final_piece, fit_final
from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import FeatureSet, Fold, Outcome, SurvivalData
from hnseg.survival.plan import HONEST, Plan
from hnseg.survival.tasks import Task, run_task, task_piece

TASKS = "tasks"
_ROOMS = ("survival",)
"""Whose code makes a piece of given features."""


@dataclass(frozen=True, eq=False)
class Job:
    """A piece to compute, and the file that it is kept in.

    Attributes:
        task: which piece.
        features: (patients, features) of its feature set in its fold.
        outcome: of everybody.
        plan: what to do.
        file: named after everything that decides the piece.
        destination: where the models go, of a final fit alone.
    """

    task: Task
    features: pd.DataFrame
    outcome: Outcome
    plan: Plan
    file: Path
    destination: Destination | None = None

    @property
    def label(self) -> str:
        return self.task.label if self.destination is None else f"{self.task.features}, fit to all patients"

    @property
    def done(self) -> bool:
        """Whether it is on disk, whole, and the models beside it are its own."""
        try:
            piece = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return self.destination is None or self.destination.has(piece)


def outer_job(
    protocol: str, repeat: int, fold: Fold, features: FeatureSet, data: SurvivalData, plan: Plan, folder: Path
) -> Job:
    """The piece of an outer fold."""
    task = Task(protocol, repeat, fold, features.name)
    return _job(task, data.features(features, fold.name), data, plan, folder, None)


def final_job(features: FeatureSet, network: str, data: SurvivalData, plan: Plan, destination: Destination) -> Job:
    """The honest pipeline fitted to all patients; deep features are those of the fold ``network``."""
    task = Task(HONEST, 0, Fold("all", data.patients, ()), features.name)
    return _job(task, data.features(features, network), data, plan, destination.folder, destination)


def _job(
    task: Task, features: pd.DataFrame, data: SurvivalData, plan: Plan, folder: Path, destination: Destination | None
) -> Job:
    kept = None if destination is None else [destination.data, destination.endpoint, destination.needs]
    named = [code_key(*_ROOMS), plan.key, asdict(task), kept, data.phantom, data.patients, list(features.columns)]
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    for values in (features.to_numpy(np.float64), data.outcome.event, data.outcome.time_days):
        digest.update(np.ascontiguousarray(values).tobytes())
    file = folder / TASKS / f"{digest.hexdigest()[:24]}.json"
    return Job(task, features, data.outcome, plan, file, destination)


def compute(job: Job) -> tuple[Path, dict[str, Any] | None]:
    """Compute a piece and write it.

    Returns:
        The file, and None; or what stands for a piece that there was not enough memory for, of :func:`lost`.
    """
    try:
        with one_thread(job.plan.models), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of solvers, hundreds of times; what does not converge raises
            if job.destination is None:
                piece = run_task(job.task, job.features, job.outcome, job.plan)
            else:
                piece = fit_final(job.task, job.features, job.outcome, job.plan, job.destination)
    except MemoryError:
        return lost(job, "there was not enough memory")
    write_json(job.file, piece)
    return job.file, None


def killed(arguments: tuple[Any, ...]) -> tuple[Path, dict[str, Any] | None]:
    """What stands for a piece whose process was killed."""
    (job,) = arguments
    return lost(job, "its process was killed, perhaps for lack of memory")


def lost(job: Job, why: str) -> tuple[Path, dict[str, Any]]:
    """A piece without models, which is not written, so that it is tried again next time; and the file it is not in."""
    failed = dict.fromkeys(job.plan.models, f"{why}; use fewer workers, and give the same command again")
    if job.destination is None:
        return job.file, task_piece(job.task, {}, failed, {}, [])
    return job.file, final_piece(job.task, {}, failed, {})


@contextmanager
def one_thread(models: Sequence[str]) -> Iterator[None]:
    """Sums in parallel differ in their last digits from machine to machine, and processes share the cores."""
    for name in models:
        MODELS[name].load()  # limits hold for the libraries that are there
    torch: Any = sys.modules.get("torch")  # which only networks import
    threads = torch.get_num_threads() if torch else 1
    try:
        if torch:
            torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)
