import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from hnseg.survival.models.cox import CoxPH
from hnseg.survival.objects import Outcome
from hnseg.survival.sentinel import training_rows


@pytest.fixture(autouse=True)
def all_training() -> Iterator[None]:
    with training_rows(f"p{number:03}" for number in range(500)):
        yield


def table(values: Any, **columns: Any) -> pd.DataFrame:
    values = np.atleast_2d(np.asarray(values, dtype=float))
    names = [f"x{place}" for place in range(values.shape[1])]
    return pd.DataFrame(values, [f"p{row:03}" for row in range(len(values))], names).assign(**columns)


def outcome(time_days: Any, event: Any = True) -> Outcome:
    time_days = np.asarray(time_days, dtype=float)
    return Outcome(
        tuple(f"p{row:03}" for row in range(len(time_days))), np.broadcast_to(event, time_days.shape).copy(), time_days
    )


def drawn(patients: int = 150, features: int = 3, days: int = 1, seed: int = 0) -> tuple[pd.DataFrame, Outcome]:
    rng = np.random.default_rng(seed)
    z, units = rng.normal(size=(patients, features)), np.resize([0.01, 100.0, 1.0], features)
    time_days = rng.exponential(500 * np.exp(0.7 * (z[:, 1] - z[:, 0])))
    end = rng.uniform(100, 1000, patients)
    return table(z * units + 5), outcome(np.ceil(np.minimum(time_days, end) / days) * days, time_days < end)


def in_raw_units(fitted: CoxPH) -> np.ndarray:
    return fitted.coefficients_ / fitted.scale_


def test_three_patients_by_hand() -> None:
    # u / (2u + 1) * 1 / (1 + u) is largest where u = exp(b) is 1 / sqrt(2)
    fitted = CoxPH().fit(table([[1], [0], [1]]), outcome([1, 2, 3]))
    assert in_raw_units(fitted) == pytest.approx([-np.log(2) / 2], abs=1e-5)
    # Breslow's baseline of the mean patient, 2/3: one event by the sum of hazards at risk, each against the mean
    hazards = np.exp(in_raw_units(fitted) * (np.array([1, 0, 1]) - 2 / 3))
    np.testing.assert_allclose(fitted.hazard_, np.cumsum(1 / np.cumsum(hazards[::-1])[::-1]), rtol=1e-5)
    assert fitted.note_ == ""


def test_a_tie_by_hand_after_efron() -> None:
    # u / ((2u + 1) (1.5u + 0.5)) is largest where u is 1 / sqrt(6); after Breslow it would be 1 / 2
    fitted = CoxPH().fit(table([[1], [0], [1]]), outcome([1, 1, 2]))
    assert in_raw_units(fitted) == pytest.approx([-np.log(6) / 2], abs=1e-5)


@pytest.mark.parametrize(("days", "penalizer"), [(1, 0.0), (60, 0.0), (60, 0.1)])
def test_predictions_are_those_of_lifelines(days: int, penalizer: float) -> None:
    features, seen = drawn(days=days)
    z = (features - features.mean()) / features.std(ddof=0)
    oracle = CoxPHFitter(penalizer=penalizer)
    oracle.fit(z.assign(t=seen.time_days, e=seen.event), "t", "e", fit_options={"precision": 1e-14})
    fitted, new = CoxPH(penalizer).fit(features, seen), drawn(40, seed=1)[0]
    z = (new - features.mean()) / features.std(ddof=0)
    np.testing.assert_allclose(fitted.risk(new), oracle.predict_log_partial_hazard(z), atol=1e-8)
    times = fitted.times_days_
    curves = oracle.predict_survival_function(z, times=times).T
    np.testing.assert_allclose(fitted.survival(new, times), curves, atol=1e-8)
    found, uncertain = fitted.importances(), {"low": "coef lower 95%", "high": "coef upper 95%", "p": "p"}
    np.testing.assert_allclose(found["value"], oracle.summary["coef"], rtol=1e-6)
    for ours, theirs in uncertain.items():
        expected = (
            oracle.summary[theirs] if penalizer == 0 else np.full(3, np.nan)
        )  # of biased coefficients there is none
        np.testing.assert_allclose(found[ours], expected, rtol=1e-6)


def test_survival_is_a_step_function_that_stays_after_the_last_event() -> None:
    features, seen = drawn(60)
    fitted = CoxPH().fit(features, seen)
    first, second = fitted.times_days_[:2]
    curve = fitted.survival(features, np.array([0, first - 0.5, first, (first + second) / 2, second, 1e6, 1e9]))
    assert (curve[:, :2] == 1).all()
    assert (curve[:, 2] < 1).all()
    np.testing.assert_array_equal(curve[:, 2], curve[:, 3])
    np.testing.assert_array_equal(curve[:, 5], curve[:, 6])
    order = np.argsort(fitted.risk(features))
    assert (np.diff(curve[order, 4]) <= 0).all()


def test_units_change_no_risk_with_or_without_a_penalty() -> None:
    features, seen = drawn()
    for penalizer in (0.0, 0.5):
        expected = CoxPH(penalizer).fit(features, seen).risk(features)
        found = CoxPH(penalizer).fit(features * 1000 - 7, seen).risk(features * 1000 - 7)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.abs(CoxPH(5.0).fit(features, seen).risk(features)).max() < np.abs(expected).max()


@pytest.mark.parametrize("trouble", ["copies", "more features than patients", "separation"])
def test_a_fit_that_does_not_converge_is_penalised_and_noted(trouble: str) -> None:
    features, seen = drawn(40, 4)
    if trouble == "copies":
        features = features.assign(copy=features["x0"] * 2, again=features["x0"] - features["x1"])
    elif trouble == "separation":
        features = features.assign(x0=-seen.time_days)
    else:
        features = table(np.random.default_rng(0).normal(size=(40, 60)))
    fitted = CoxPH().fit(features, seen)
    assert fitted.note_ == f"did not converge with penalizer 0; {fitted.penalizer_:g} used"
    assert fitted.penalizer_ > 0
    assert fitted.penalizer == 0
    assert np.isfinite(fitted.survival(features, np.array([100.0, 400]))).all()
    assert np.isfinite(fitted.importances()["value"]).all()
    assert fitted.importances()[["low", "high", "p"]].isna().all(axis=None)


def test_a_constant_column_has_no_effect_and_columns_are_read_by_name() -> None:
    features, seen = drawn()
    fitted, plain = CoxPH().fit(features.assign(same=3.0), seen), CoxPH().fit(features, seen)
    other = features.assign(same=99.0)[["same", "x2", "x0", "x1"]]
    np.testing.assert_allclose(fitted.risk(other), plain.risk(features))
    last = fitted.importances().iloc[-1]
    assert (last["feature"], last["value"], last["p"]) == ("same", 0, 1)


def test_what_cannot_be_fitted_is_said() -> None:
    features, seen = drawn(20)
    with pytest.raises(ValueError, match="no patient has an event among the 20 training patients"):
        CoxPH().fit(features, outcome(seen.time_days, False))
    with pytest.raises(ValueError, match="no feature varies"):
        CoxPH().fit(features * 0, seen)


def test_one_event_is_enough_for_a_model() -> None:
    features, seen = drawn(20)
    fitted = CoxPH().fit(features, outcome(seen.time_days, np.arange(20) == 5))
    assert np.isfinite(fitted.risk(features)).all()


def test_saved_and_read_back() -> None:
    features, seen = drawn()
    fitted = CoxPH(0.01).fit(features, seen)
    back = CoxPH.from_plain(fitted.to_plain())
    times = np.array([100.0, 300])
    np.testing.assert_array_equal(back.risk(features), fitted.risk(features))
    np.testing.assert_array_equal(back.survival(features, times), fitted.survival(features, times))
    pd.testing.assert_frame_equal(back.importances(), fitted.importances())
    assert back.get_params() == {"penalizer": 0.01}


@pytest.mark.parametrize(
    "change",
    [
        {"coefficients": np.zeros(2)},
        {"coefficients": np.array([np.nan, 0, 0])},
        {"scale": np.zeros(3)},
        {"errors": -np.ones(3)},
        {"times_days": np.array([2.0, 1.0]), "hazard": np.array([0.1, 0.2])},
        {"times_days": np.array([1.0, 2.0]), "hazard": np.array([0.2, 0.1])},
        {"times_days": np.array([-1.0, 2.0]), "hazard": np.array([0.1, 0.2])},
        {"times_days": np.empty(0), "hazard": np.empty(0)},
        {"hazard": np.array([0.1])},
        {"columns": ["x0", "x0", "x1"]},
        {"note": 1},
        {"penalizer": -1.0},
        {"parameters": {"penalizer": "0"}},
    ],
)
def test_what_is_no_saved_model_is_refused(change: dict[str, Any]) -> None:
    plain = CoxPH().fit(*drawn()).to_plain()
    with pytest.raises(ValueError, match="saved state of Cox regression"):
        CoxPH.from_plain(plain | change)


def test_errors_may_be_0_and_no_less() -> None:
    plain = CoxPH().fit(*drawn(40)).to_plain()
    assert (CoxPH.from_plain(plain | {"errors": np.zeros(3)}).importances()["p"] == 1).all()
    with pytest.raises(ValueError, match="'errors' must be at least 0"):
        CoxPH.from_plain(plain | {"errors": -np.ones(3)})
    with pytest.raises(ValueError, match="'scale' must be above 0"):
        CoxPH.from_plain(plain | {"scale": np.zeros(3)})


def test_it_predicts_from_a_whole_table_alone() -> None:
    features, seen = drawn(40)
    fitted = CoxPH().fit(features, seen)
    for predict in (fitted.risk, lambda table: fitted.survival(table, np.array([100.0]))):
        with pytest.raises(ValueError, match=r"1 features are missing .* such as 'x1'"):
            predict(features.drop(columns="x1"))
        with pytest.raises(ValueError, match="'x2' of patient p003 is not known; impute first"):
            predict(features.mask(np.arange(120).reshape(40, 3) == 11))


@pytest.mark.real
def test_recidivism_as_r_has_it() -> None:
    root = os.environ.get("HNSEG_REAL_DATA")
    if not root:
        pytest.skip("HNSEG_REAL_DATA is not set; it names a folder with survival_toy/rossi.csv")
    rossi = pd.read_csv(Path(root) / "survival_toy" / "rossi.csv").astype(float)
    rossi.index = [f"p{row:03}" for row in range(len(rossi))]
    seen = outcome(rossi["week"], rossi["arrest"] == 1)
    fitted = CoxPH().fit(rossi[["fin", "age", "race", "wexp", "mar", "paro", "prio"]], seen)
    # Fox & Weisberg 2018, appendix "Cox proportional-hazards regression": coxph of R, Efron ties
    np.testing.assert_allclose(
        in_raw_units(fitted), [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150], atol=1e-5
    )
    errors = fitted.errors_ / fitted.scale_
    np.testing.assert_allclose(errors, [0.19138, 0.02200, 0.30799, 0.21222, 0.38187, 0.19576, 0.02865], atol=1e-5)
    np.testing.assert_allclose(
        fitted.importances()["p"], [0.0474, 0.0090, 0.3081, 0.4803, 0.2561, 0.6646, 0.0014], atol=1e-4
    )
