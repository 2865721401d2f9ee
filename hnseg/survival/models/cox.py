"""Cox regression, by lifelines; what is fitted is a few arrays, so that predicting needs no lifelines.

Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977, doi:10.1080/01621459.1977.10480613; baseline
hazard after Breslow 1972, in the discussion of Cox's paper.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from numpy.typing import NDArray
from scipy.stats import norm

from hnseg.survival.models.curves import read_times, step_columns
from hnseg.survival.models.design import design
from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.table import numbers_of, spread
from hnseg.survival.sentinel import Guarded
from hnseg.survival.state import State

Array = NDArray[np.float64]

_RETRIES = (0.01, 0.1, 1.0)
_FAILURES = ("Newton-Raphson", "The log-likelihood is getting suspiciously close to 0")
_PRECISION = {"precision": 1e-12, "r_precision": 1e-12}

KIND_OF_VALUE = "log hazard ratio per SD"


class CoxPH(Guarded):
    """Proportional hazards: h(t | x) = h0(t) exp(x b).

    Features are standardised inside, so that the penalty treats them alike and coefficients are per standard deviation
    (over n, of the training rows). A fit that does not converge, or whose variance is none, as with more features than
    events or separation, is done again with the next larger penalty.

    Departure from lifelines: between event times the baseline is a step and no straight line.

    Args:
        penalizer: ridge penalty; the partial log-likelihood a patient loses ``penalizer / 2`` times the squared norm.

    Attributes:
        columns_: features that it was fitted on; constant ones have the coefficient 0.
        coefficients_, errors_: (p,) log hazard ratios per SD and their standard errors.
        mean_, scale_: (p,) of the training rows; the scale of a constant column is 1.
        penalizer_: the penalty that was used.
        note_: what was done about a fit that failed; empty if the first one did not.
        times_days_, hazard_: (t,) event times and the baseline's cumulative hazard at them, of the mean patient.
    """

    KIND = "Cox regression"

    def __init__(self, penalizer: float = 0.0) -> None:
        self.penalizer = penalizer

    def fit(self, features: pd.DataFrame, outcome: Outcome) -> Self:
        """Fit to (patients, columns) without gaps.

        Raises:
            ValueError: no event, no column that varies, or no penalty up to 1 makes it converge.
        """
        table = numbers_of(features)
        assert table.notna().all(axis=None), "impute first"
        values = table.to_numpy(np.float64)
        scale = spread(values)
        if not outcome.event.any() or not scale.any():
            what = "patient has an event" if scale.any() else "feature varies"
            raise ValueError(f"Cox regression: no {what} among the {len(outcome)} training patients")
        self.columns_, varies = list(table.columns), scale > 0
        self.mean_, self.scale_ = values.mean(axis=0), np.where(varies, scale, 1.0)
        fitted = self._fitted(((values - self.mean_) / self.scale_)[:, varies], outcome)
        self.coefficients_, self.errors_ = np.zeros(len(varies)), np.zeros(len(varies))
        self.coefficients_[varies] = fitted.params_.to_numpy()
        self.errors_[varies] = fitted.standard_errors_.to_numpy()
        baseline = fitted.baseline_cumulative_hazard_.iloc[:, 0]
        self.times_days_, self.hazard_ = baseline.index.to_numpy(np.float64), baseline.to_numpy(np.float64)
        return self

    def _fitted(self, z: Array, outcome: Outcome) -> CoxPHFitter:
        table = pd.DataFrame(z).rename(columns=str).assign(time=outcome.time_days, event=outcome.event)
        for penalizer in (self.penalizer, *(retry for retry in _RETRIES if retry > self.penalizer)):
            fitted = _converged(table, penalizer)
            if fitted is not None:
                self.penalizer_ = float(penalizer)
                refitted = penalizer != self.penalizer
                self.note_ = f"did not converge with penalizer {self.penalizer:g}; {penalizer:g} used" * refitted
                return fitted
        raise ValueError(f"Cox regression of {z.shape[1]} features on {len(outcome)} patients does not converge")

    def risk(self, features: pd.DataFrame) -> Array:
        """(n,) log hazard ratio against the mean training patient.

        Raises:
            ValueError: a column is missing or a value is not finite.
        """
        z = (design(features, self.columns_) - self.mean_) / self.scale_
        risk: Array = z @ self.coefficients_
        return risk

    def survival(self, features: pd.DataFrame, times_days: Array) -> Array:
        """(n, times): probability of no event until each time; after the last event it stays.

        Raises:
            ValueError: a column is missing or a value is not finite.
        """
        hazard = step_columns(self.times_days_, self.hazard_, times_days, before=0.0)
        survival: Array = np.exp(-np.exp(np.clip(self.risk(features), -700, 700))[:, None] * hazard)
        return survival

    def importances(self) -> pd.DataFrame:
        """Log hazard ratio per SD with its 95 % interval, and, besides, ``p`` of a Wald test.

        Of a penalised fit interval and ``p`` are NaN: its coefficients are biased towards 0, which neither knows.
        """
        b = self.coefficients_
        errors = np.where(self.penalizer_ > 0, np.nan, self.errors_)
        half, z = norm.ppf(0.975) * errors, np.divide(b, errors, out=np.zeros_like(b), where=errors != 0)
        columns = {"value": b, "low": b - half, "high": b + half, "kind": KIND_OF_VALUE, "p": 2 * norm.sf(np.abs(z))}
        return pd.DataFrame({"feature": self.columns_, **columns})

    def to_plain(self) -> dict[str, Any]:
        """The fitted state as plain data."""
        scalars = {"columns": self.columns_, "penalizer": self.penalizer_, "note": self.note_}
        arrays = {name: getattr(self, f"{name}_") for name in (*_COLUMNWISE, "times_days", "hazard")}
        return {"kind": self.KIND, "parameters": self.get_params(), **scalars, **arrays}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The fitted model of a plain state.

        Raises:
            ValueError: it is not such a state.
        """
        keys = ("parameters", "columns", "penalizer", "note", *_COLUMNWISE, "times_days", "hazard")
        state = State(plain, cls.KIND, keys)
        self = cls(**state.parameters(cls))
        self.columns_, self.note_ = state.names("columns"), state.text("note")
        self.penalizer_ = state.number("penalizer", 0)
        for name in _COLUMNWISE:
            setattr(self, f"{name}_", state.array(name, (len(self.columns_),)))
        self.times_days_ = read_times(state, "times_days")
        self.hazard_ = state.array("hazard", (len(self.times_days_),))
        if (self.scale_ <= 0).any():
            raise state.refuse("scale", "above 0")
        if (self.errors_ < 0).any():
            raise state.refuse("errors", "at least 0")
        if (np.diff(self.hazard_, prepend=0.0) < 0).any():
            raise state.refuse("hazard", "at least 0 and must not fall over time")
        return self


_COLUMNWISE = ("mean", "scale", "coefficients", "errors")


def _converged(table: pd.DataFrame, penalizer: float) -> CoxPHFitter | None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fitted = CoxPHFitter(penalizer=penalizer).fit(table, "time", "event", fit_options=_PRECISION)
        except (ConvergenceError, ValueError, np.linalg.LinAlgError):
            return None
    failed = any(w.category is ConvergenceWarning and str(w.message).startswith(_FAILURES) for w in told)
    finite = np.isfinite(fitted.params_).all() and np.isfinite(fitted.standard_errors_).all()
    return fitted if finite and not failed else None
