"""Real commands as subprocesses, on one tiny phantom that all tests of this folder share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.tiny import ROOT, TINY, Command


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One thread a process: tests run side by side, and sums then always have one order."""
    root = tmp_path_factory.mktemp("hnseg")
    return {**os.environ, "HNSEG_ROOT": str(root), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "HNSEG_DATA": ""}


@pytest.fixture(scope="session")
def command(environment: dict[str, str]) -> Command:
    def run(*arguments: str, expect: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            **options,
        )
        assert done.returncode == expect, f"{arguments}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def runs(environment: dict[str, str]) -> Path:
    return Path(environment["HNSEG_ROOT"]) / "runs" / "train"


@pytest.fixture(scope="session")
def trained(command: Command, runs: Path) -> Path:
    """A run that was never interrupted."""
    command("train.py", *TINY, "name=whole")
    return runs / "whole"
