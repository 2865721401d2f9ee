"""Made-up cohorts and a model that is fitted in a millisecond."""

import numpy as np
import pandas as pd

from hnseg.survival.models.registry import MODELS, ModelKind
from hnseg.survival.objects import Fold, Outcome, SurvivalData
from hnseg.survival.pipeline.preprocessing import Preprocessing
from hnseg.survival.pipeline.survival_pipeline import SurvivalPipeline
from hnseg.survival.sentinel import Guarded


def toy(patients=60, noise=4, seed=0, effect=1.0, unknown=0.1):
    """Risk comes from the first clinical column alone; some clinical values are unknown."""
    rng = np.random.default_rng(seed)
    names = tuple(f"P{number:03d}" for number in range(patients))
    clinical = pd.DataFrame(rng.normal(size=(patients, 3)), names, ["age", "stage", "hpv"])
    ct = pd.DataFrame(rng.normal(size=(patients, noise)), names, [f"ct_{number}" for number in range(noise)])
    log_hazard = effect * clinical["age"].to_numpy()
    days, end = rng.exponential(1500 * np.exp(-log_hazard)) + 1, rng.uniform(400, 3200, patients)
    outcome = Outcome(names, days <= end, np.minimum(days, end))
    centres = {name: "ABCDE"[number % 5] for number, name in enumerate(names)}
    truth = dict(zip(names, log_hazard.tolist(), strict=True))
    clinical = clinical.mask(rng.random(clinical.shape) < unknown)
    return SurvivalData("toy", outcome, centres, {"clinical": clinical, "ct": ct}, phantom=True, log_hazard=truth)


def deal(patients, count=3):
    """Folds by turns."""
    return [
        Fold(str(fold), tuple(p for n, p in enumerate(patients) if n % count != fold), tuple(patients[fold::count]))
        for fold in range(count)
    ]


def fitted_pipeline(selection, model, features, outcome, seed=0):
    """Preprocessing and model, fitted on the same rows."""
    preprocessing = Preprocessing(selection=selection, seed=seed).fit(features, outcome)
    return SurvivalPipeline(preprocessing, model.fit(preprocessing.transform(features), outcome))


class QuickModel(Guarded):
    """Risk is the sum of features, each times its covariance with the negative time."""

    def __init__(self, power=1.0, seed=0):
        self.power = power
        self.seed = seed

    def fit(self, features, outcome):
        self.names_ = list(features.columns)
        values = features.to_numpy()
        self.weights_ = -(values - values.mean(0)).T @ np.log(outcome.time_days) / len(values) * self.power
        return self

    def risk(self, features):
        return features[self.names_].to_numpy() @ self.weights_

    def survival(self, features, times_days):
        return np.exp(-np.exp(np.clip(self.risk(features), -5, 5))[:, None] * times_days / 2000)

    def importances(self):
        bounds = dict.fromkeys(("low", "high"), np.nan)
        return pd.DataFrame({"feature": self.names_, "value": self.weights_, **bounds, "kind": "weight"})

    def to_plain(self):
        return {"names": self.names_, "weights": self.weights_}

    @classmethod
    def from_plain(cls, plain):
        self = cls()
        self.names_, self.weights_ = list(plain["names"]), plain["weights"]
        return self


class FailingModel(QuickModel):
    def fit(self, features, outcome):
        raise RuntimeError("singular\nand more")


class PeekingModel(QuickModel):
    """Looks at everybody."""

    everybody: tuple = ()

    def fit(self, features, outcome):
        table, theirs = self.everybody
        return QuickModel.fit(self, table, theirs)


def register(monkeypatch, name, model=QuickModel, grid=None):
    """Make a model of tests known; only to this process."""
    monkeypatch.setitem(globals(), model.__name__, model)
    monkeypatch.setitem(MODELS, name, ModelKind(__name__, model.__name__, grid or [{}]))
