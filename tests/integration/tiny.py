"""The smallest cohort and network that still train, validate and test."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]

TINY = [
    "data.phantom={patients: 8, seed: 0, coarse: 4.0}",
    "data.spacing_mm=[9.0,9.0,9.0]",
    "view.size_zyx=[16,16,16]",
    "model.net.filters=2",
    "trainer.max_epochs=3",
    "split=kfold",
    "split.folds=3",
    "fold=0",
    "trainer.accelerator=cpu",
]
"""The default command on the smallest cohort that still trains, validates and tests. 144 mm at 9 mm: boxes of 16^3."""
