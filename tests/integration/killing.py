"""Kill a training command without warning, and compare what it left with a run that was never killed."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from tests.integration.tiny import ROOT

OFTEN = ["callbacks.last.every_n_steps=1"]


def start_and_kill(environment: dict[str, str], arguments: Sequence[str], run: Path, steps: int) -> None:
    """SIGKILL, without warning, as soon as `steps` steps have been logged."""
    process = subprocess.Popen(
        [sys.executable, "train.py", *arguments, *OFTEN, f"name={run.name}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    metrics, deadline = run / "metrics.csv", time.monotonic() + 120
    while not (metrics.is_file() and len(metrics.read_text().splitlines()) > steps):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()


def same_as_never_killed(run: Path, whole: Path) -> bool:
    """Weights bit for bit, test Dice, and a log in which every step stands once."""
    ours, theirs = (torch.load(r / "checkpoints" / "last.ckpt", weights_only=True) for r in (run, whole))
    assert ours["global_step"] == theirs["global_step"]
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    assert all(torch.equal(theirs["state_dict"][key], ours["state_dict"][key]) for key in theirs["state_dict"])
    pd.testing.assert_series_equal(*(pd.read_csv(r / "cases.csv")["dice"] for r in (run, whole)))
    rows, expected = (pd.read_csv(r / "metrics.csv") for r in (run, whole))
    assert rows["step"].is_unique
    pd.testing.assert_series_equal(rows["train/loss"], expected["train/loss"])
    return True
