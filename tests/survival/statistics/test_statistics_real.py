"""Parity on published cohorts, whose times are whole weeks, days or months and often tied."""

import os
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from sksurv.metrics import concordance_index_censored

from hnseg.survival.statistics import concordance, kaplan_meier, uno_concordance
from tests.survival.statistics.naive import outcome, uno

pytestmark = pytest.mark.real
SETS = {
    "gbsg2": ("time", "cens", "pnodes"),
    "lung": ("time", "status", "age"),
    "rossi": ("week", "arrest", "prio"),
    "larynx": ("time", "death", "age"),
    "kidney_transplant": ("time", "death", "age"),
    "regression": ("T", "E", "var1"),
}


@pytest.fixture(params=list(SETS))
def cohort(request):
    root = os.environ.get("HNSEG_REAL_DATA")
    if not root:
        pytest.skip("HNSEG_REAL_DATA is not set; it names a folder with survival_toy")
    path = Path(root) / "survival_toy" / f"{request.param}.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    time, event, feature = SETS[request.param]
    table = pd.read_csv(path)[[time, event, feature]].dropna()
    return outcome(table[event], table[time]), table[feature].to_numpy(float)


def test_harrells_index_is_that_of_lifelines_and_of_scikit_survival(cohort) -> None:
    seen, risk = cohort
    found = concordance(seen.event, seen.time_days, risk)
    assert found == pytest.approx(lifelines.utils.concordance_index(seen.time_days, -risk, seen.event), abs=1e-12)
    assert found == pytest.approx(concordance_index_censored(seen.event, seen.time_days, risk)[0], abs=1e-12)


def test_unos_index_is_that_of_a_loop_over_pairs(cohort) -> None:
    seen, risk = cohort
    seen, risk = seen.of(seen.patients[:80]), risk[:80]
    tau = float(np.quantile(seen.time_days, 0.8))
    assert uno_concordance(seen, risk, tau) == pytest.approx(uno(seen, risk, tau), abs=1e-12, nan_ok=True)


def test_the_curve_is_that_of_lifelines(cohort) -> None:
    seen, _ = cohort
    curve = kaplan_meier(seen.event, seen.time_days)
    fitted = lifelines.KaplanMeierFitter().fit(seen.time_days, seen.event)
    expected = fitted.survival_function_at_times(curve["time_days"]).to_numpy()
    np.testing.assert_allclose(curve["survival"], expected)
