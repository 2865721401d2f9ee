import numpy as np
import pytest
from scipy.stats import ttest_1samp

from hnseg.survival.statistics import corrected_t_test


def test_three_folds_by_hand() -> None:
    """Mean 0.2, variance 0.01, factor 1/3 + 20/80 = 7/12; with two degrees of freedom p is 1 - t / sqrt(2 + t^2)."""
    found = corrected_t_test([0.1, 0.2, 0.3], 80, 20)
    t = 0.2 / np.sqrt(7 / 12 * 0.01)
    assert found.difference == pytest.approx(0.2)
    assert found.t == pytest.approx(t)
    assert found.p == pytest.approx(1 - t / np.sqrt(2 + t**2))


def test_without_shared_patients_it_is_students_test_and_with_them_more_careful() -> None:
    differences = np.random.default_rng(0).normal(0.02, 0.05, 50)
    expected = ttest_1samp(differences, 0)
    found = corrected_t_test(differences, 1, 0)
    assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert corrected_t_test(differences, 179, 45).p > found.p


def test_the_other_way_round_only_the_sign_changes() -> None:
    differences = np.array([0.1, -0.02, 0.07, 0.03])
    one, other = corrected_t_test(differences, 80, 20), corrected_t_test(-differences, 80, 20)
    assert (other.difference, other.t, other.p) == pytest.approx((-one.difference, -one.t, one.p))


def test_folds_of_unlike_size_count_by_their_mean_ratio_and_unknown_ones_not() -> None:
    differences = [0.1, np.nan, 0.2, 0.3]
    found = corrected_t_test(differences, np.array([90, 1, 60, 50]), np.array([9, 1, 18, 30]))
    assert found == pytest.approx(corrected_t_test([0.1, 0.2, 0.3], 3, 1))


def test_equal_differences_no_fold_and_one_fold() -> None:
    assert corrected_t_test([0.0, 0.0, 0.0], 80, 20) == (0, 0, 1)
    assert corrected_t_test([0.5, 0.5], 80, 20) == (0.5, np.inf, 0)
    assert corrected_t_test([-0.5, -0.5], 80, 20) == (-0.5, -np.inf, 0)
    assert corrected_t_test([0.5], 80, 20) == pytest.approx((0.5, np.nan, np.nan), nan_ok=True)
    assert np.isnan(corrected_t_test([], 80, 20)).all()
    assert np.isnan(corrected_t_test([np.nan, np.nan], 80, 20)).all()
