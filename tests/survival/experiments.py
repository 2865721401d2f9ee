"""A small experiment and what it leaves on disk."""

import csv

import numpy as np

from hnseg.prepare import Recipe
from hnseg.survival.experiment import run_experiment
from hnseg.survival.plan import Plan
from tests.survival.cohorts import deal, toy

DATA = toy(unknown=0.0)
FOLDS = deal(DATA.patients)
NEEDS = {
    "clinical": {"mapping": "x"},
    "ct": {"bin_width": 25.0},
    "images": {"recipe": Recipe().to_dict(), "structures": None},
}


def plan(**changes):
    quick = {"models": ("quick",), "feature_sets": ("clinical", "clinical+ct"), "selection": "none"}
    small = {"inner_folds": 2, "bootstrap_resamples": 20, "workers": 1}
    return Plan(**(quick | small | changes))


def run(folder, data=DATA, folds=FOLDS, needs=NEEDS, **changes):
    made = plan(**changes)
    return run_experiment(data, [folds] * made.repeats, made, folder, needs=needs, endpoint="relapse", progress=False)


def written(folder):
    """Every file that is not a finished piece."""
    files = [*folder.glob("*.csv"), *folder.glob("risks/*.csv"), *folder.glob("models/*/*.json")]
    arrays = {str(file.relative_to(folder)): arrays_of(file) for file in sorted(folder.glob("models/*/*.npz"))}
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(files)} | arrays


def arrays_of(file):
    with np.load(file) as arrays:
        return {name: (arrays[name].dtype.str, arrays[name].tobytes()) for name in arrays}


def rows(folder, name):
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
