import numpy as np
import pandas as pd
import pytest
from sksurv.compare import compare_survival

from hnseg.survival.statistics import FoldRisks, high_risk, log_rank
from tests.survival.statistics.naive import drawn, outcome, structured

TREATED = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_each_fold_has_a_cut_of_its_own() -> None:
    a = FoldRisks(outcome([1, 1, 1, 1], [1, 2, 3, 4], "a"), np.array([4.0, 3.0, 2.0, 1.0]), cut=2.0)
    b = FoldRisks(outcome([1, 1, 1], [1, 2, 3], "b"), np.array([100.0, 300.0, 200.0]), cut=250.0)
    high = {"a0": True, "a1": True, "a2": False, "a3": False, "b0": False, "b1": True, "b2": False}
    assert high_risk([a, b]) == high


def test_without_a_cut_nobody_is_at_high_risk_or_low() -> None:
    with pytest.raises(AssertionError):
        high_risk([FoldRisks(outcome([1, 1], [1, 2]), np.array([4.0, 3.0]))])


def test_repeats_vote_and_unknown_risks_do_not() -> None:
    cohort = outcome([1, 1, 1, 1], [1, 2, 3, 4])
    said = [[1, 1, 0, np.nan], [1, 0, 0, np.nan], [0, np.nan, 1, np.nan]]
    folds = [FoldRisks(cohort, np.array(risk), repeat, 0.5) for repeat, risk in enumerate(said)]
    assert high_risk(folds) == {"p0": True, "p1": False, "p2": False}


def test_infinite_and_equal_risks() -> None:
    cohort = outcome([1, 1, 1, 1], [1, 2, 3, 4])
    assert sum(high_risk([FoldRisks(cohort, np.array([-np.inf, np.inf, np.inf, -np.inf]), cut=0.0)]).values()) == 2
    assert not any(high_risk([FoldRisks(cohort, np.zeros(4), cut=0.0)]).values())
    assert high_risk([FoldRisks(cohort, np.full(4, np.nan), cut=0.0)]) == {}


def test_log_rank_of_freireichs_leukaemia_patients() -> None:
    """Remission in weeks with 6-MP and with placebo (Freireich et al. 1963); 16.79 in every textbook."""
    weeks = np.array(TREATED + PLACEBO)
    found = log_rank(weeks > 0, np.abs(weeks), np.arange(42) >= 21)
    assert (found.n_low, found.n_high) == (21, 21)
    assert found.chi2 == pytest.approx(16.79, abs=0.005)
    assert found.p == pytest.approx(4.17e-5, rel=0.005)


def test_log_rank_agrees_with_scikit_survival_and_knows_no_order_of_groups() -> None:
    rng = np.random.default_rng(0)
    cohort, high = drawn(rng, 80, 20), rng.random(80) < 0.4
    chi2, p = compare_survival(structured(cohort), pd.Series(high).to_numpy())
    found, other = (log_rank(cohort.event, cohort.time_days, group) for group in (high, ~high))
    assert (found.chi2, found.p) == pytest.approx((chi2, p))
    assert (other.chi2, other.p) == pytest.approx((chi2, p))
    assert (found.n_low, found.n_high) == (other.n_high, other.n_low)


@pytest.mark.parametrize(
    ("event", "time", "high"),
    [([], [], []), ([1], [1], [1]), ([1, 1], [1, 2], [0, 0]), ([0, 0], [1, 2], [0, 1])],
)
def test_log_rank_needs_two_groups_and_an_event(event, time, high) -> None:
    found = log_rank(event, time, high)
    assert (found.n_low + found.n_high, np.isnan(found.chi2), np.isnan(found.p)) == (len(time), True, True)


def test_log_rank_says_nothing_where_one_group_has_left_before_the_first_event() -> None:
    assert log_rank([0, 1], [1, 2], [1, 0]) == (1, 1, 0, 1)
