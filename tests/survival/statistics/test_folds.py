import numpy as np
import pytest

from hnseg.survival.statistics import FoldRisks, concordance, pooled_concordance
from tests.survival.statistics.naive import drawn, outcome


def fold(event, time, risk, prefix: str, repeat: int = 0) -> FoldRisks:
    return FoldRisks(outcome(event, time, prefix), np.asarray(risk, float), repeat)


GOOD = fold([1, 1, 1], [1, 2, 3], [3, 2, 1], "a")
BAD = fold([1, 0], [1, 2], [0, 1], "b")
NOBODY = fold([0, 0], [1, 2], [0, 1], "c")


def test_every_pair_of_a_repeat_counts_the_same() -> None:
    assert pooled_concordance([GOOD, BAD]) == 3 / 4


def test_a_fold_without_a_pair_is_left_out() -> None:
    assert pooled_concordance([GOOD, NOBODY, BAD]) == 3 / 4
    for folds in ([NOBODY], []):
        assert np.isnan(pooled_concordance(folds))


def test_risks_of_different_folds_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    cohorts = [drawn(rng, 20, 15, prefix) for prefix in "abc"]
    risks = [rng.normal(size=20) for _ in cohorts]
    plain = [FoldRisks(cohort, risk) for cohort, risk in zip(cohorts, risks, strict=True)]
    moved = [FoldRisks(cohort, 10**k * risk + k) for k, (cohort, risk) in enumerate(zip(cohorts, risks, strict=True))]
    assert pooled_concordance(moved) == pooled_concordance(plain)
    single = concordance(cohorts[0].event, cohorts[0].time_days, risks[0])
    assert pooled_concordance(plain[:1]) == single


def test_a_repeat_counts_as_a_repeat_however_many_pairs_it_has() -> None:
    again = fold([1, 0], [1, 2], [0, 1], "b", repeat=1)
    assert pooled_concordance([GOOD, again]) == 1 / 2
    assert pooled_concordance([GOOD, BAD, again]) == pytest.approx((3 / 4 + 0) / 2)


def test_nobody_is_tested_twice_in_a_repeat() -> None:
    with pytest.raises(ValueError, match="a0 is in the test part of two folds of repeat 0"):
        pooled_concordance([GOOD, GOOD])
    with pytest.raises(AssertionError, match="risks of 2 patients"):
        FoldRisks(outcome([1, 0], [1, 2]), np.zeros(3))
