"""A run that is killed and started again ends with the very weights of one that never was."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.integration.tiny import ROOT, TINY, Command

OFTEN = ["callbacks.last.every_n_steps=1"]


def start_and_kill(environment: dict[str, str], name: str, run: Path, steps: int) -> None:
    """SIGKILL, without warning, as soon as `steps` steps have been logged."""
    process = subprocess.Popen(
        [sys.executable, "train.py", *TINY, *OFTEN, f"name={name}"],
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


@pytest.mark.parametrize("how", ["resume=RUN", "same command"])
def test_killed_run_resumes_to_the_same_weights_bit_for_bit(
    how: str, environment: dict[str, str], command: Command, runs: Path, trained: Path
) -> None:
    name = "killed-" + how.split("=")[0].replace(" ", "-")
    run = runs / name
    total = len(pd.read_csv(trained / "metrics.csv"))
    steps = random.Random(name).randrange(1, total - 1)
    start_and_kill(environment, name, run, steps)
    again = [f"resume={run}"] if how == "resume=RUN" else [*TINY, *OFTEN, f"name={name}"]
    shown = command("train.py", *again).stdout
    assert "going on from" in shown

    whole, killed = (torch.load(r / "checkpoints" / "last.ckpt", weights_only=True) for r in (trained, run))
    assert killed["global_step"] == whole["global_step"]
    assert whole["state_dict"].keys() == killed["state_dict"].keys()
    assert all(torch.equal(whole["state_dict"][key], killed["state_dict"][key]) for key in whole["state_dict"])
    assert (pd.read_csv(run / "cases.csv")["dice"] == pd.read_csv(trained / "cases.csv")["dice"]).all()

    rows, expected = (pd.read_csv(r / "metrics.csv") for r in (run, trained))
    assert rows["step"].is_unique
    pd.testing.assert_series_equal(rows["train/loss"], expected["train/loss"])
