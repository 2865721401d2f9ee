from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from hnseg.survival.objects import Outcome
from hnseg.survival.sentinel import training_rows

Cohort = tuple[pd.DataFrame, Outcome]


@pytest.fixture
def cohort() -> Callable[..., Cohort]:
    """Makes (features, outcome): ``f0`` raises the hazard, ``f1`` lowers it, the others have nothing to do with it."""

    def made(patients: int = 120, features: int = 8, *, seed: int = 0, days: int = 1, effect: float = 1.0) -> Cohort:
        rng = np.random.default_rng(seed)
        names = [f"p{number:03}" for number in range(patients)]
        table = pd.DataFrame(rng.normal(size=(patients, features)), names, [f"f{i}" for i in range(features)])
        event_days = rng.exponential(600 * np.exp(effect * (table["f1"] - table["f0"])))
        censored_days = rng.uniform(100, 1500, patients)
        time_days = np.ceil(np.minimum(event_days, censored_days) / days) * days
        return table, Outcome(tuple(names), np.asarray(event_days < censored_days), time_days)

    return made


@pytest.fixture
def all_training(cohort: Callable[..., Cohort]) -> Iterator[None]:
    """Everybody of any cohort of up to 300 patients is a training patient."""
    with training_rows(f"p{number:03}" for number in range(300)):
        yield
