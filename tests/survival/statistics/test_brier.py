import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.metrics import brier_score, integrated_brier_score

from hnseg.survival.statistics import brier, integrated_brier
from tests.survival.statistics import naive
from tests.survival.statistics.naive import drawn, outcome, structured


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_a_loop_over_patients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cohort, survival, days = drawn(rng, 12, 9), rng.random((12, 10)), np.arange(1, 11)
    known = [day <= cohort.time_days.max() and naive.followed_beyond(cohort, day) > 0 for day in days]
    expected = [naive.brier(cohort, survival[:, i], day) if known[i] else np.nan for i, day in enumerate(days)]
    np.testing.assert_allclose(brier(cohort, survival, days), expected, atol=1e-12)


def test_agrees_with_scikit_survival_where_no_event_is_on_a_day_of_censoring() -> None:
    rng = np.random.default_rng(1)
    cohort = drawn(rng, 200)
    # scikit-survival has no weight for the last one's event
    cohort = outcome(np.append(cohort.event, False), np.append(cohort.time_days, 1e5))
    days = np.quantile(cohort.time_days, np.linspace(0.1, 0.8, 8))
    survival = rng.random((201, 8))
    expected = brier_score(structured(cohort), structured(cohort), survival, days)[1]
    np.testing.assert_allclose(brier(cohort, survival, days), expected, atol=1e-12)
    integrated = integrated_brier_score(structured(cohort), structured(cohort), survival, days)
    assert integrated_brier(cohort, survival, days) == pytest.approx(integrated, abs=1e-12)


def test_without_censoring_it_is_the_mean_squared_error() -> None:
    rng = np.random.default_rng(2)
    cohort, survival = drawn(rng, 40, 30, censored=0), rng.random((40, 2))
    went_on = cohort.time_days[:, None] > np.array([8, 15])
    np.testing.assert_allclose(brier(cohort, survival, [8, 15]), ((went_on - survival) ** 2).mean(axis=0))
    np.testing.assert_allclose(brier(cohort, np.full((40, 2), 0.5), [8, 15]), 0.25)
    np.testing.assert_array_equal(brier(cohort, went_on.astype(float), [8, 15]), 0)


def test_who_is_lost_counts_nothing_by_hand() -> None:
    """On day 3 the event of day 1 weighs 1, that of day 3 weighs 3/2, and who goes on is divided by G = 2/3."""
    cohort = outcome([1, 0, 1, 0], [1, 2, 3, 5])
    found = brier(cohort, np.array([[0.2], [0.9], [0.4], [0.7]]), [3])
    assert found[0] == pytest.approx((0.2**2 + 0.4**2 * 1.5 + 0.3**2 * 1.5) / 4)


def test_times_after_follow_up_are_left_out_and_unknown_predictions_are_not_hidden() -> None:
    cohort = outcome([1, 1, 0], [2, 4, 6])
    survival = np.tile([0.9, 0.6, 0.4, 0.1], (3, 1))
    scores = brier(cohort, survival, [1, 3, 6, 7])
    assert np.isnan(scores).tolist() == [False, False, True, True]
    assert integrated_brier(cohort, survival, [1, 3, 6, 7]) == pytest.approx(scores[:2].mean())
    assert np.isnan(integrated_brier(cohort, survival[:, 1:], [3, 6, 7]))
    survival[1, 0] = np.nan
    assert np.isnan(brier(cohort, survival, [1, 3, 6, 7])).tolist() == [True, False, True, True]
    assert np.isnan(integrated_brier(cohort, survival, [1, 3, 6, 7]))
    assert np.isnan(brier(outcome([], []), np.empty((0, 1)), [3])).all()
