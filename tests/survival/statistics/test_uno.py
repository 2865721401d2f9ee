import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.metrics import concordance_index_ipcw

from hnseg.survival.statistics import concordance, uno_concordance
from tests.survival.statistics.naive import drawn, outcome, structured, uno


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 3, 8]))
def test_agrees_with_a_loop_over_pairs(seed: int, tau) -> None:
    rng = np.random.default_rng(seed)
    cohort, risk = drawn(rng, 12, 10), rng.choice([0.0, 1.0, 2.0, np.nan, np.inf], 12)
    expected = uno(cohort, risk, tau or np.inf)
    assert uno_concordance(cohort, risk, tau) == pytest.approx(expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("tau", [None, 700.0])
def test_agrees_with_scikit_survival_where_no_event_is_on_a_day_of_censoring(tau) -> None:
    rng = np.random.default_rng(1)
    cohort = drawn(rng, 150)
    risk = np.round(rng.normal(size=150) - cohort.time_days / 2000, 1)
    expected = concordance_index_ipcw(structured(cohort), structured(cohort), risk, tau)[0]
    assert uno_concordance(cohort, risk, tau) == pytest.approx(expected, abs=1e-12)


def test_an_event_and_a_censoring_on_one_day_by_hand() -> None:
    """The seven patients of scikit-survival's issue 428, scored with themselves; events before day 299.

    The event of day 11 is seen whoever leaves that day: weight 1, six later patients, four of them of less risk. Until
    day 89 one of the six others leaves on day 11 and one of five on day 26: G is 2/3, three are later, none of less
    risk. scikit-survival divides the former by the G of after day 11, 5/6.
    """
    cohort = outcome([1, 0, 0, 1, 0, 1, 0], [11, 11, 26, 89, 128, 299, 300])
    risk = np.array([-0.02, 1.20, -0.56, -1.33, -0.81, 1.02, -1.29])
    assert uno_concordance(cohort, risk, 299) == pytest.approx(4 / (6 + 3 * 9 / 4))
    theirs = concordance_index_ipcw(structured(cohort), structured(cohort), risk, 299)[0]
    assert theirs == pytest.approx(4 * 36 / 25 / (6 * 36 / 25 + 3 * 9 / 4))


def test_days_shared_by_events_and_censoring_do_not_bias_it() -> None:
    """True times are known here, so is the index without censoring that it estimates; scikit-survival's is off."""
    off_by = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        risk = rng.normal(size=1500)
        # the risk tells more about early events than about late ones, so it matters how days are weighted
        early = rng.random(1500) < 0.3
        true = np.ceil(np.where(early, rng.exponential(np.exp(1 - 2 * risk)), rng.exponential(8, 1500)))
        end = np.where(rng.random(1500) < 0.4, 1, rng.integers(2, 10, 1500))
        everything, seen = outcome(np.ones(1500), true), outcome(true <= end, np.minimum(true, end))
        expected = uno_concordance(everything, risk, 6)
        theirs = concordance_index_ipcw(structured(seen), structured(seen), risk, 6)[0]
        off_by.append([uno_concordance(seen, risk, 6) - expected, theirs - expected])
    mine, theirs = np.mean(off_by, axis=0)
    assert abs(mine) < 0.006
    assert theirs > 0.015


def test_without_censoring_it_is_harrells() -> None:
    rng = np.random.default_rng(2)
    cohort, risk = drawn(rng, 60, 30, censored=0), rng.normal(size=60)
    assert uno_concordance(cohort, risk) == pytest.approx(concordance(cohort.event, cohort.time_days, risk))


def test_events_from_tau_on_do_not_count() -> None:
    cohort, risk = outcome([1, 1, 0], [2, 9, 12]), [3.0, 1.0, 2.0]
    assert uno_concordance(cohort, risk) == uno_concordance(cohort, risk, 100.0) == pytest.approx(2 / 3)
    assert uno_concordance(cohort, risk, 9.0) == 1
    assert np.isnan(uno_concordance(cohort, risk, 2.0))


@pytest.mark.parametrize(("event", "time"), [([], []), ([1], [3]), ([0, 0, 0], [1, 2, 3])])
def test_without_a_pair_there_is_none(event, time) -> None:
    assert np.isnan(uno_concordance(outcome(event, time), np.zeros(len(time))))
