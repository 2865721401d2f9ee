"""The smallest cohort and network that still train, validate and test."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]

TINY = [
    "data.phantom={patients: 8, seed: 0, coarse: 4.0}",
    "data.spacing_mm=[4.5,4.5,4.5]",
    "view.size_zyx=[32,32,32]",
    "model.net.filters=2",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
    "workers=0",
    "split=kfold",
    "split.folds=3",
    "fold=0",
    "trainer.accelerator=cpu",
]
"""The default command on the smallest cohort that trains, validates and tests. 144 mm at 4.5 mm: boxes of 32^3."""
