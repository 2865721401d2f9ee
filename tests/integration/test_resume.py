"""A run that is killed and started again ends with the very weights of one that never was."""

import random
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.killing import OFTEN, same_as_never_killed, start_and_kill
from tests.integration.tiny import TINY, Command


@pytest.mark.parametrize("how", [pytest.param("resume=RUN", marks=pytest.mark.slow), "same command"])
def test_killed_run_resumes_to_the_same_weights_bit_for_bit(
    how: str, environment: dict[str, str], command: Command, runs: Path, trained: Path
) -> None:
    name = "killed-" + how.split("=")[0].replace(" ", "-")
    run = runs / name
    total = len(pd.read_csv(trained / "metrics.csv"))
    steps = random.Random(name).randrange(1, total - 1)
    start_and_kill(environment, TINY, run, steps)
    again = [f"resume={run}"] if how == "resume=RUN" else [*TINY, *OFTEN, f"name={name}"]
    shown = command("train.py", *again).stdout
    assert "going on from" in shown

    assert same_as_never_killed(run, trained)
