"""The five methods of Rainio et al. 2024 compared by patients, which the paper does not do.

A patient has about ten slices, on average 10.8 of the paper's, and what makes one of them hard makes its neighbours
hard: tests that count slices take a few patients for many observations. Here a patient is one observation, in tests by
the median or mean Dice of their slices, and in intervals because patients are drawn with all their slices (a cluster
bootstrap). Input as for :mod:`hnseg.evaluate.five_methods`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.evaluate.cluster_bootstrap import resampled_medians
from hnseg.evaluate.five_methods import METHODS, PAIRS, checked_scores, methods_in, shared_slices
from hnseg.evaluate.paired import ROUNDING, holm, signed_rank_p

REFERENCE = METHODS[0]
SIGNIFICANT = 0.05
MEDIANS = ("median", "low", "high", "difference", "difference_low", "difference_high")


class ClickEffect(NamedTuple):
    """What a method gains over CNNonly on the same slices.

    Attributes:
        median, reference_median: Dice over all slices, of the method and of CNNonly.
        difference, low, high: of these medians, with its interval over patients; nan where there is one patient.
        patients, better, worse: how many, and for how many of them the median of their slices is above or below.
        p: of Wilcoxon's test over patients' medians, corrected by Holm's method for being one of ten.
    """

    method: str
    median: float
    reference_median: float
    difference: float
    low: float
    high: float
    slices: int
    patients: int
    better: int
    worse: int
    p: float

    @property
    def answer(self) -> str:
        """``helps`` or ``harms`` where the interval and the test of patients both say so, else ``unclear``."""
        if not self.p < SIGNIFICANT:
            return "unclear"
        if self.low > 0 and self.better > self.worse:
            return "helps"
        return "harms" if self.high < 0 and self.worse > self.better else "unclear"


def patient_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a patient: ``fold``, ``case``, ``slices``, and median and mean Dice of each method's slices.

    The columns of Dice are ``CNNonly_median``, ``CNNonly_mean`` and so on; nan where the method was not scored.

    Raises:
        ValueError: see :func:`hnseg.evaluate.five_methods.checked_scores`.
    """
    by_patient = checked_scores(scores).groupby(["fold", "case"], sort=False)
    table = by_patient.size().to_frame("slices")
    medians, means = by_patient[list(METHODS)].median(), by_patient[list(METHODS)].mean()
    for name in METHODS:
        table[f"{name}_median"], table[f"{name}_mean"] = medians[name], means[name]
    return table.reset_index()


def patient_tests(scores: pd.DataFrame) -> pd.DataFrame:
    """Wilcoxon's signed-rank test over patients instead of slices, a row a pair of methods in the order of ``PAIRS``.

    Columns: ``method``, ``reference``, ``patients``; of the patients' medians ``median_difference`` (its median over
    patients, method minus reference), ``better``, ``worse`` (patients), ``median_p`` and ``median_holm_p`` (corrected
    for the ten pairs); of their means ``mean_difference`` (its mean), ``mean_p`` and ``mean_holm_p``. nan for a method
    that is missing. A patient whom several folds leave out has all these folds' slices.

    Raises:
        ValueError: see :func:`hnseg.evaluate.five_methods.checked_scores`.
    """
    shared = shared_slices(scores)
    by_patient = shared.groupby("case")[list(METHODS)]
    medians, means = by_patient.median(), by_patient.mean()
    table = pd.DataFrame([_pair(medians, means, *pair) for pair in PAIRS])
    for kind in ("median", "mean"):
        place = list(table).index(f"{kind}_p") + 1
        table.insert(place, f"{kind}_holm_p", holm(table[f"{kind}_p"].to_numpy(float)))
    return table


def intervals(scores: pd.DataFrame, *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Median Dice of each method over all slices with an interval, and what it differs by from CNNonly.

    Columns: ``method``, ``slices``, ``patients``, ``median``, ``low``, ``high``, ``difference`` (of the medians, method
    minus CNNonly), ``difference_low``, ``difference_high``. Percentile intervals (Efron 1979,
    doi:10.1214/aos/1176344552) of the median over all slices of as many patients as there are, drawn with replacement;
    all methods see the same draws. nan where the method, or CNNonly for a difference, is missing, and for intervals of
    one patient, of whom there is nothing to draw. The same table and seed give the same intervals, in whatever order
    the rows are.

    Raises:
        ValueError: see :func:`hnseg.evaluate.five_methods.checked_scores`.
    """
    shared = shared_slices(scores)
    present = methods_in(shared)
    columns = ["method", "slices", "patients", *MEDIANS]
    if not present:  # no slice that all methods were scored on
        return pd.DataFrame([{"method": name, "slices": 0, "patients": 0} for name in METHODS], columns=columns)
    names, owner = np.unique(shared["case"].astype(str), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    values = {name: shared[name].to_numpy(float) for name in present}
    medians = {name: resampled_medians(values[name], owner, draws) for name in present}
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    lines = []
    for name in METHODS:
        line: dict[str, object] = {"method": name, "slices": len(shared), "patients": len(names)}
        if name in present:
            line |= {"median": float(np.median(values[name]))} | _ends("", medians[name], tails, len(names))
        if name in present and REFERENCE in present and name != REFERENCE:
            line["difference"] = float(np.median(values[name]) - np.median(values[REFERENCE]))
            line |= _ends("difference_", medians[name] - medians[REFERENCE], tails, len(names))
        lines.append(line)
    return pd.DataFrame(lines, columns=columns)


def click_effects(scores: pd.DataFrame) -> dict[str, ClickEffect]:
    """What each method that uses a click gains over CNNonly, by method.

    Empty while CNNonly is missing, and while there is no slice that all methods were scored on.

    Raises:
        ValueError: see :func:`hnseg.evaluate.five_methods.checked_scores`.
    """
    present = methods_in(shared_slices(scores))
    if REFERENCE not in present:
        return {}
    measured = {line["method"]: line for line in intervals(scores).to_dict("records")}
    tests = {t["method"]: t for t in patient_tests(scores).to_dict("records") if t["reference"] == REFERENCE}
    effects = {}
    for name in present[1:]:
        line, test = measured[name], tests[name]
        effects[name] = ClickEffect(
            method=name,
            median=float(line["median"]),
            reference_median=float(measured[REFERENCE]["median"]),
            difference=float(line["difference"]),
            low=float(line["difference_low"]),
            high=float(line["difference_high"]),
            slices=int(line["slices"]),
            patients=int(line["patients"]),
            better=int(test["better"]),
            worse=int(test["worse"]),
            p=float(test["median_holm_p"]),
        )
    return effects


def _pair(medians: pd.DataFrame, means: pd.DataFrame, name: str, reference: str) -> dict[str, object]:
    by_median = (medians[name] - medians[reference]).dropna().to_numpy(float)
    by_mean = (means[name] - means[reference]).dropna().to_numpy(float)
    known = len(by_median) > 0
    return {
        "method": name,
        "reference": reference,
        "patients": len(by_median),
        "median_difference": float(np.median(by_median)) if known else float("nan"),
        "better": int((by_median > ROUNDING).sum()),
        "worse": int((by_median < -ROUNDING).sum()),
        "median_p": signed_rank_p(by_median),
        "mean_difference": float(by_mean.mean()) if known else float("nan"),
        "mean_p": signed_rank_p(by_mean),
    }


def _ends(prefix: str, medians: NDArray[np.float64], tails: list[float], patients: int) -> dict[str, object]:
    low, high = np.quantile(medians, tails) if patients > 1 else (np.nan, np.nan)
    return {f"{prefix}low": float(low), f"{prefix}high": float(high)}
