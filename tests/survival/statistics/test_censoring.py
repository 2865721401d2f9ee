import numpy as np
import pytest
from sksurv.nonparametric import kaplan_meier_estimator

from hnseg.survival.statistics import censoring_survival
from tests.survival.statistics.naive import drawn, followed_beyond, followed_until, outcome


def test_by_hand_events_come_first() -> None:
    """On day 2 three could still leave without an event, because one of the four has it; one does."""
    found = censoring_survival(outcome([1, 0, 1, 0, 1], [1, 2, 2, 3, 4]))
    days = np.array([0.5, 1, 2, 2.5, 3, 4])
    np.testing.assert_allclose(found.at(days), [1, 1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found.before(days), [1, 1, 1, 2 / 3, 2 / 3, 1 / 3])
    assert found.last == 4


def test_agrees_with_a_loop_and_with_scikit_survival() -> None:
    cohort = drawn(np.random.default_rng(0), 60, 12)
    found = censoring_survival(cohort)
    days = np.unique(cohort.time_days)
    np.testing.assert_allclose(found.at(days), [followed_beyond(cohort, day) for day in days])
    np.testing.assert_allclose(found.before(days), [followed_until(cohort, day) for day in days])
    times, probabilities = kaplan_meier_estimator(cohort.event, cohort.time_days, reverse=True)
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_allclose(found.values, probabilities)


def test_nothing_is_known_after_the_last_time_and_all_is_above_0_until_then() -> None:
    found = censoring_survival(outcome([0, 0, 0], [1, 2, 3]))
    assert found.at([3])[0] == 0
    assert found.before([3])[0] == pytest.approx(1 / 3)
    assert np.isnan(found.at([3.1])).all()
    assert np.isnan(found.before([3.1])).all()


def test_without_censoring_everybody_is_followed_and_without_patients_nothing_is_known() -> None:
    assert censoring_survival(outcome([1, 1], [1, 2])).at([0, 1, 2]).tolist() == [1, 1, 1]
    assert np.isnan(censoring_survival(outcome([], [])).before([1.0])).all()
