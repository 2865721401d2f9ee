import numpy as np
import pytest

from hnseg.survival.objects import Outcome
from hnseg.survival.statistics import (
    FoldRisks,
    bootstrap_concordances,
    bootstrap_interval,
    concordance,
)
from tests.survival.statistics.naive import drawn, mean_concordance, outcome


def cross_validated(rng, n: int = 60, parts: int = 3, repeats: int = 1, signal: float = 1.0, days: int | None = 40):
    cohort = drawn(rng, n, days)
    folds = []
    for repeat in range(repeats):
        for part in np.array_split(rng.permutation(n), parts):
            test = cohort.of([cohort.patients[i] for i in part])
            risk = np.round(rng.normal(size=len(part)) - signal * np.log(test.time_days), 1)
            folds.append(FoldRisks(test, risk, repeat))
    return folds


def slowly(folds, resamples: int, seed: int) -> list[float]:
    """Every resample written out as a longer list of patients; the draws alone are the same."""
    rng = np.random.Generator(np.random.Philox(seed))
    first = [fold for fold in folds if fold.repeat == 0]
    draws = [rng.multinomial(n, np.full(n, 1 / n), size=resamples) for n in (len(fold.test) for fold in first)]
    values = []
    for number in range(resamples):
        times: dict[str, int] = {}
        for fold, draw in zip(first, draws, strict=True):
            times |= dict(zip(fold.test.patients, draw[number], strict=True))
        of_repeats = []
        for repeat in sorted({fold.repeat for fold in folds}):
            copies = []
            for fold in (fold for fold in folds if fold.repeat == repeat):
                rows = np.repeat(np.arange(len(fold.test)), [times[p] for p in fold.test.patients])
                named = Outcome(tuple(map(str, range(len(rows)))), fold.test.event[rows], fold.test.time_days[rows])
                copies.append(FoldRisks(named, fold.risk[rows]))
            scores = [concordance(c.test.event, c.test.time_days, c.risk) for c in copies]
            of_repeats.append(np.nanmean(scores))
        values.append(np.mean(of_repeats))
    return values


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_resample_is_the_score_of_the_patients_written_out_as_often_as_drawn(repeats) -> None:
    folds = cross_validated(np.random.default_rng(0), repeats=repeats)
    folds[0].risk[:3] = np.nan, np.inf, -np.inf
    found = bootstrap_concordances(folds, resamples=12, seed=5)
    np.testing.assert_allclose(found, slowly(folds, 12, 5), atol=1e-12)


def test_the_interval_is_around_the_score_and_holds_one_half_where_risks_mean_nothing() -> None:
    rng = np.random.default_rng(1)
    strong, none = cross_validated(rng, 200), cross_validated(rng, 200, signal=0)
    low, high = bootstrap_interval(strong)
    assert 0.5 < low < mean_concordance(strong) < high < 1
    low, high = bootstrap_interval(none)
    assert low < 0.5 < high


def test_repeats_are_no_new_patients() -> None:
    """The same folds again as a second and third repeat leave the interval as it was."""
    once = cross_validated(np.random.default_rng(2))
    thrice = [FoldRisks(fold.test, fold.risk, repeat) for repeat in range(3) for fold in once]
    assert bootstrap_interval(thrice) == pytest.approx(bootstrap_interval(once))


def test_it_narrows_with_patients() -> None:
    rng = np.random.default_rng(3)
    few, many = cross_validated(rng, 60), cross_validated(rng, 600)
    assert np.ptp(bootstrap_interval(many)) < 0.6 * np.ptp(bootstrap_interval(few))


def test_seeds_repeat_and_models_are_drawn_together() -> None:
    folds = cross_validated(np.random.default_rng(4))
    assert bootstrap_interval(folds, seed=1) == bootstrap_interval(folds, seed=1)
    assert bootstrap_interval(folds, seed=1) != bootstrap_interval(folds, seed=2)
    same = [FoldRisks(fold.test, 7 * fold.risk) for fold in folds]
    np.testing.assert_array_equal(bootstrap_concordances(same), bootstrap_concordances(folds))


def test_perfect_risks_have_no_spread_and_without_pairs_there_is_no_interval() -> None:
    cohort = drawn(np.random.default_rng(5), 40)
    assert bootstrap_interval([FoldRisks(cohort, -cohort.time_days)]) == (1, 1)
    for folds in ([FoldRisks(outcome([0, 0], [1, 2]), np.zeros(2))], [FoldRisks(outcome([1], [1]), np.zeros(1))], []):
        assert np.isnan(bootstrap_interval(folds)).all()


@pytest.mark.slow
def test_nineteen_of_twenty_intervals_hold_the_true_index() -> None:
    rng = np.random.default_rng(6)
    many = cross_validated(rng, 20_000, 20, signal=0.5, days=None)
    truth, held = mean_concordance(many), 0
    for _ in range(400):
        low, high = bootstrap_interval(cross_validated(rng, 224, 5, signal=0.5, days=None), resamples=400)
        held += low < truth < high
    assert 0.90 < held / 400 < 0.985
