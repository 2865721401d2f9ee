import numpy as np
import pytest

from hnseg.survival.statistics import calibration, kaplan_meier, survival_at
from tests.survival.statistics.naive import drawn, outcome

HORIZON = 730.0


def well_predicted(rng, n: int):
    """Patients with hazards of their own, censored at random, and their true survival at the horizon."""
    hazard = np.exp(rng.normal(-7, 1, n))
    true, end = rng.exponential(1 / hazard), rng.uniform(300, 3000, n)
    return outcome(true <= end, np.minimum(true, end)), np.exp(-hazard * HORIZON)


def test_groups_of_equal_size_by_hand() -> None:
    rng = np.random.default_rng(0)
    cohort, survival = drawn(rng, 150), rng.permutation(np.linspace(0.1, 0.9, 150))
    table = calibration(cohort, survival, HORIZON)
    assert table["group"].tolist() == [1, 2, 3, 4, 5]
    assert table["n"].tolist() == [30] * 5
    for row, fifth in zip(table.itertuples(), np.split(np.argsort(survival), 5), strict=True):
        assert row.predicted == pytest.approx(survival[fifth].mean())
        curve = kaplan_meier(cohort.event[fifth], cohort.time_days[fifth])
        assert (row.observed, row.low, row.high) == survival_at(curve, HORIZON)


def test_true_probabilities_come_true_and_wrong_ones_do_not() -> None:
    cohort, survival = well_predicted(np.random.default_rng(1), 4000)
    table = calibration(cohort, survival, HORIZON)
    assert ((table["low"] < table["predicted"]) & (table["predicted"] < table["high"])).all()
    wrong = calibration(cohort, survival**2, HORIZON)
    assert (wrong["predicted"] < wrong["low"]).sum() >= 4


def test_equal_predictions_stay_together_and_small_groups_are_joined() -> None:
    cohort = drawn(np.random.default_rng(2), 100)
    survival = np.repeat([0.2, 0.5, 0.8], [45, 50, 5])
    table = calibration(cohort, survival, HORIZON)
    assert table["n"].tolist() == [45, 55]
    assert calibration(cohort, np.full(100, 0.5), HORIZON)["n"].tolist() == [100]
    assert calibration(drawn(np.random.default_rng(3), 30), np.linspace(0, 1, 30), HORIZON)["n"].tolist() == [30]


def test_the_order_of_patients_does_not_matter() -> None:
    cohort, survival = well_predicted(np.random.default_rng(4), 200)
    order = np.random.default_rng(5).permutation(200)
    moved = calibration(cohort.of([cohort.patients[i] for i in order]), survival[order], HORIZON)
    np.testing.assert_allclose(moved.to_numpy(float), calibration(cohort, survival, HORIZON).to_numpy(float))


def test_unknown_predictions_are_left_out_and_short_follow_up_is_unknown() -> None:
    cohort, survival = outcome([1, 0, 0, 1], [1, 2, 3, 4]), np.array([0.5, 0.6, np.nan, 0.7])
    table = calibration(cohort, survival, 3.5)
    assert table["n"].tolist() == [3]
    assert table["observed"].tolist() == pytest.approx([2 / 3])
    late = calibration(outcome([1, 0], [1, 2]), np.array([0.5, 0.6]), 9.0)
    assert late[["observed", "low", "high"]].isna().all(axis=None)
    assert calibration(cohort, np.full(4, np.nan), 3.0).empty


def test_a_group_without_events_has_no_interval() -> None:
    row = calibration(outcome([0, 0], [5, 6]), np.array([0.5, 0.6]), 3.0).iloc[0]
    assert row["observed"] == 1
    assert np.isnan([row["low"], row["high"]]).all()
