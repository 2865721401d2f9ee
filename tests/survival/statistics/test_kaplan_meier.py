import numpy as np
import pytest
from sksurv.nonparametric import kaplan_meier_estimator

from hnseg.survival.statistics import kaplan_meier, survival_at
from tests.survival.statistics.naive import drawn
from tests.survival.statistics.test_groups import TREATED


def test_freireichs_leukaemia_patients() -> None:
    weeks = np.array(TREATED)
    curve = kaplan_meier(weeks > 0, np.abs(weeks)).set_index("time_days")
    expected = {0: 1.0, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448}
    assert curve.loc[list(expected), "survival"].to_dict() == pytest.approx(expected, abs=5e-4)
    assert curve.loc[[0, 6, 7, 10, 35], "at_risk"].tolist() == [21, 21, 17, 15, 1]


def test_agrees_with_scikit_survival_and_is_within_its_interval() -> None:
    cohort = drawn(np.random.default_rng(0), 90, 25)
    curve = kaplan_meier(cohort.event, cohort.time_days)
    times, survival, interval = kaplan_meier_estimator(
        cohort.event, cohort.time_days, conf_level=0.95, conf_type="log-log"
    )
    np.testing.assert_array_equal(curve["time_days"], [0, *times])
    np.testing.assert_allclose(curve["survival"], [1, *survival], atol=1e-12)
    inside = curve[(curve["survival"] > 0) & (curve["survival"] < 1)]
    place = np.searchsorted(times, inside["time_days"])
    np.testing.assert_allclose(inside[["low", "high"]].to_numpy().T, interval[:, place], atol=1e-9)
    assert ((inside["low"] < inside["survival"]) & (inside["survival"] < inside["high"])).all()


@pytest.mark.parametrize("event", [True, False])
def test_one_patient(event: bool) -> None:
    curve = kaplan_meier([event], [3.0])
    assert curve["survival"].tolist() == [1, 0 if event else 1]
    assert curve["at_risk"].tolist() == [1, 1]
    assert curve["low"].isna().tolist() == [False, event]


def test_nobody() -> None:
    curve = kaplan_meier([], [])
    assert list(curve.columns) == ["time_days", "survival", "low", "high", "at_risk"]
    assert curve.empty
    assert np.isnan(survival_at(curve, 5)).all()


def test_survival_at_a_day_is_the_last_step_and_unknown_after_follow_up() -> None:
    curve = kaplan_meier([1, 0, 1, 0], [1, 2, 3, 4])
    found = [survival_at(curve, day)[0] for day in (0, 0.5, 1, 2.9, 3, 4)]
    assert found == pytest.approx([1, 1, 0.75, 0.75, 0.375, 0.375])
    low, high = survival_at(curve, 2)[1:]
    assert low < 0.75 < high
    assert np.isnan(survival_at(curve, 4.5)).all()
    everybody = kaplan_meier([1, 1], [1, 2])
    assert survival_at(everybody, 9)[0] == 0
