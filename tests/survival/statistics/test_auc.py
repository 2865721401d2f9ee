import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.metrics import cumulative_dynamic_auc

from hnseg.survival.statistics import cumulative_auc
from tests.survival.statistics.naive import auc, drawn, outcome, structured


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_a_loop_over_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cohort, risk = drawn(rng, 15, 9), rng.choice([0.0, 1.0, 2.0, np.nan, np.inf], (15, 10))
    days = np.arange(1, 11)
    expected = [auc(cohort, risk[:, i], day) for i, day in enumerate(days)]
    np.testing.assert_allclose(cumulative_auc(cohort, risk, days), expected, atol=1e-12)


def test_agrees_with_scikit_survival_where_no_event_is_on_a_day_of_censoring() -> None:
    rng = np.random.default_rng(1)
    cohort = drawn(rng, 200)
    # scikit-survival has no weight for the last one's event
    cohort = outcome(np.append(cohort.event, False), np.append(cohort.time_days, 1e5))
    risk = np.round(rng.normal(size=201) - cohort.time_days / 2000, 1)
    days = np.quantile(cohort.time_days, [0.1, 0.3, 0.5, 0.7])
    expected, _ = cumulative_dynamic_auc(structured(cohort), structured(cohort), risk, days)
    np.testing.assert_allclose(cumulative_auc(cohort, risk, days), expected, atol=1e-12)


def test_four_patients_by_hand() -> None:
    """On day 3 those of days 1 (weight 1) and 3 (weight 1/(2/3), one of three left on day 2) had the event."""
    cohort = outcome([1, 0, 1, 0], [1, 2, 3, 5])
    found = cumulative_auc(cohort, [1.0, 9.0, 3.0, 2.0], [3])
    assert found[0] == pytest.approx((1 * 0 + 1.5 * 1) / 2.5)


def test_before_the_first_event_and_after_follow_up_there_is_none() -> None:
    cohort = outcome([1, 1, 0], [2, 4, 6])
    found = cumulative_auc(cohort, [3.0, 2.0, 1.0], [1, 3, 6, 7])
    np.testing.assert_array_equal(found, [np.nan, 1, np.nan, np.nan])
    assert np.isnan(cumulative_auc(outcome([], []), [], [3])).all()


def test_only_the_order_of_risks_matters_and_its_sign_means_earlier() -> None:
    rng = np.random.default_rng(2)
    cohort, risk, days = drawn(rng, 100, 20), rng.normal(size=100), [3, 9, 15]
    expected = cumulative_auc(cohort, risk, days)
    np.testing.assert_allclose(cumulative_auc(cohort, np.exp(risk), days), expected)
    np.testing.assert_allclose(cumulative_auc(cohort, -risk, days), 1 - expected)
    np.testing.assert_array_equal(cumulative_auc(cohort, -cohort.time_days, days), 1)
