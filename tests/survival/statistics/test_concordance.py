import sys

import lifelines.utils
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.metrics import concordance_index_censored

from hnseg.survival.statistics import concordance, concordance_counts
from tests.survival.statistics.naive import counts, drawn

NAN, INF = float("nan"), float("inf")
patients = st.tuples(
    st.booleans(), st.integers(1, 4), st.sampled_from([0.0, 0.5, 1.0, 1.5, -2.0, 1e-300, NAN, INF, -INF])
)


def test_five_patients_by_hand() -> None:
    """An event on day 1 against four others (all in order); one on day 3 against who leaves that day, and day 5."""
    event, time, risk = [1, 0, 1, 0, 1], [1, 2, 3, 3, 5], [5.0, 4.0, 2.0, 2.0, 3.0]
    assert concordance_counts(event, time, risk) == (4, 1, 6)
    assert concordance(event, time, risk) == 4.5 / 6


@pytest.mark.parametrize(
    ("event", "time", "risk", "expected"),
    [
        ((1, 1), (1, 2), (2, 1), (1, 0, 1)),
        ((1, 1), (1, 2), (1, 2), (0, 0, 1)),
        ((1, 0), (1, 2), (2, 1), (1, 0, 1)),
        ((0, 1), (1, 2), (2, 1), (0, 0, 0)),
        ((0, 0), (1, 2), (2, 1), (0, 0, 0)),
        ((1, 1), (1, 1), (2, 1), (0, 0, 0)),
        ((1, 0), (1, 1), (2, 1), (1, 0, 1)),
        ((0, 1), (1, 1), (2, 1), (0, 0, 1)),
        ((1, 0), (1, 1), (1, 1), (0, 1, 1)),
        ((1, 1), (1, 2), (NAN, 1), (0, 1, 1)),
        ((1, 1), (1, 2), (1, NAN), (0, 1, 1)),
        ((1, 1), (1, 2), (NAN, NAN), (0, 1, 1)),
        ((1, 1), (1, 2), (INF, 5), (1, 0, 1)),
        ((1, 1), (1, 2), (INF, INF), (0, 1, 1)),
        ((1, 1), (1, 2), (-INF, 5), (0, 0, 1)),
    ],
)
def test_every_kind_of_pair_counts_as_in_the_challenge(event, time, risk, expected) -> None:
    assert concordance_counts(event, time, risk) == expected
    assert concordance_counts(event[::-1], time[::-1], risk[::-1]) == expected


@pytest.mark.parametrize("few", [0, 300])
@settings(max_examples=100, deadline=None)
@given(rows=st.lists(patients, max_size=12))
def test_agrees_with_a_loop_over_pairs_with_few_patients_and_with_many(few, rows) -> None:
    event, time, risk = (np.array([row[i] for row in rows]) for i in range(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[concordance.__module__], "FEW", few)
        assert concordance_counts(event, time, risk) == counts(event, time, risk)


@pytest.mark.parametrize(("n", "days"), [(3, 2), (64, 7), (65, 1000), (700, 30), (5000, 2000), (5000, None)])
def test_agrees_with_lifelines_of_the_opposite_sign(n: int, days) -> None:
    rng = np.random.default_rng(n)
    cohort = drawn(rng, n, days, censored=0.3)
    risk = np.round(rng.normal(size=n) - cohort.time_days / 1000, 1)
    expected = lifelines.utils.concordance_index(cohort.time_days, -risk, cohort.event)
    assert concordance(cohort.event, cohort.time_days, risk) == pytest.approx(expected, abs=1e-12)


def test_agrees_with_scikit_survival() -> None:
    rng = np.random.default_rng(1)
    cohort, risk = drawn(rng, 300, 40), np.round(rng.normal(size=300), 1)
    expected, concordant, discordant, tied, _ = concordance_index_censored(cohort.event, cohort.time_days, risk)
    assert concordance(cohort.event, cohort.time_days, risk) == pytest.approx(expected, abs=1e-12)
    found = concordance_counts(cohort.event, cohort.time_days, risk)
    assert found == (concordant, tied, concordant + discordant + tied)


def test_risks_that_differ_by_little_are_not_equal_as_they_are_for_scikit_survival() -> None:
    event, time, risk = np.array([True, True]), np.array([1.0, 2.0]), np.array([1e-9, 0.0])
    assert concordance(event, time, risk) == 1
    assert concordance_index_censored(event, time, risk)[0] == 0.5


@pytest.mark.parametrize(("event", "time"), [([], []), ([1], [3]), ([0, 0, 0], [1, 2, 3]), ([1, 1], [4, 4])])
def test_without_a_comparable_pair_there_is_no_index(event, time) -> None:
    assert np.isnan(concordance(event, time, np.arange(len(time))))
    assert concordance_counts(event, time, np.arange(len(time))) == (0, 0, 0)


def test_nothing_known_and_everything_equal_is_one_half() -> None:
    cohort = drawn(np.random.default_rng(2), 50, 20)
    for value in (NAN, 0.0, INF):
        assert concordance(cohort.event, cohort.time_days, np.full(50, value)) == 0.5


def test_only_the_order_of_risks_and_times_matters_and_not_that_of_patients() -> None:
    rng = np.random.default_rng(3)
    cohort, risk = drawn(rng, 200, 30), np.round(rng.normal(size=200), 1)
    expected = concordance(cohort.event, cohort.time_days, risk)
    assert expected != 0.5
    assert concordance(cohort.event, cohort.time_days, np.exp(risk)) == expected
    assert concordance(cohort.event, cohort.time_days**2 + 5, risk) == expected
    assert concordance(cohort.event, cohort.time_days, -risk) == pytest.approx(1 - expected, abs=1e-12)
    order = rng.permutation(200)
    assert concordance(cohort.event[order], cohort.time_days[order], risk[order]) == expected
    assert concordance(cohort.event, cohort.time_days, cohort.time_days) == 0 + _share_tied(cohort)


def _share_tied(cohort) -> float:
    _, tied, comparable = counts(cohort.event, cohort.time_days, cohort.time_days)
    return tied / 2 / comparable


def test_patients_and_risks_must_be_as_many_and_times_finite() -> None:
    with pytest.raises(AssertionError):
        concordance([1, 0], [1, 2], [1.0])
    with pytest.raises(AssertionError, match="finite"):
        concordance([1, 0], [1, NAN], [1.0, 2.0])
