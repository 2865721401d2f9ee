"""Patients whose hazard rises with ``f0`` and falls with ``f1``, and a fit inside the training rows."""

import numpy as np
import pandas as pd

from hnseg.survival.objects import Outcome
from hnseg.survival.sentinel import training_rows


def cohort(patients=150, features=5, seed=0, effect=1.5):
    """Features (patients, features) and outcome; time in whole days, so that some are tied."""
    rng = np.random.default_rng(seed)
    names = tuple(f"p{number:03}" for number in range(patients))
    table = pd.DataFrame(rng.normal(size=(patients, features)), names, [f"f{number}" for number in range(features)])
    log_hazard = effect * table["f0"].to_numpy()
    if features > 1:
        log_hazard = log_hazard - effect * table["f1"].to_numpy()
    event_days, end_days = rng.exponential(600 * np.exp(-log_hazard)), rng.uniform(100, 1500, patients)
    time_days = np.ceil(np.minimum(event_days, end_days) / 7) * 7
    return table, Outcome(names, event_days < end_days, time_days)


def fitted(model, features, outcome):
    with training_rows(features.index):
        return model.fit(features, outcome)
