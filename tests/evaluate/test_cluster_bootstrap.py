import numpy as np
import pytest

from hnseg.evaluate import cluster_bootstrap
from hnseg.evaluate.cluster_bootstrap import over_patients, resampled_medians

RNG = np.random.default_rng(5)
PATIENTS = [f"P{i}" for i in RNG.integers(7, size=41)]
VALUES = RNG.uniform(size=41).round(2)  # with ties


def naive(values, patients, statistic, resamples, seed):
    """Draws patients by the same generator, and really repeats their units."""
    names = sorted(set(patients))
    drawn = np.random.default_rng([seed, len(names)]).multinomial(
        len(names), [1 / len(names)] * len(names), size=resamples
    )
    found = []
    for times in drawn:
        units = [v for name, n in zip(names, times, strict=True) for _ in range(n)
                 for v, p in zip(values, patients, strict=True) if p == name]  # fmt: skip
        found.append(statistic(units))
    return np.quantile(found, [0.025, 0.975])


@pytest.mark.parametrize("at_once", [2_000_000, 41 * 7, 1])
def test_agrees_with_units_that_are_really_repeated(monkeypatch, at_once):
    monkeypatch.setattr(cluster_bootstrap, "AT_ONCE", at_once)
    median, mean = over_patients(VALUES, PATIENTS, resamples=60, seed=3)
    assert median.value == np.median(VALUES)
    assert mean.value == np.mean(VALUES)
    np.testing.assert_allclose(median[1:], naive(VALUES, PATIENTS, np.median, 60, 3), atol=1e-12)
    np.testing.assert_allclose(mean[1:], naive(VALUES, PATIENTS, np.mean, 60, 3), atol=1e-12)


def test_a_constant_has_no_width():
    for estimate in over_patients(np.full(9, 0.7), list("aabbbccdd"), resamples=50):
        assert estimate == pytest.approx((0.7, 0.7, 0.7))


def test_units_of_one_patient_do_not_narrow_the_interval():
    values, patients = np.array([0.1, 0.4, 0.5, 0.8, 0.9]), list("abcde")
    once = over_patients(values, patients)
    many = over_patients(np.repeat(values, 30), np.repeat(patients, 30))
    np.testing.assert_allclose(many, once, atol=1e-12)
    apart = over_patients(np.repeat(values, 30), [f"{i}" for i in range(150)])[1]
    assert apart.high - apart.low < (once[1].high - once[1].low) / 3


def test_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(200):
        of_patient = rng.normal(0.6, 0.1, 40)
        values = np.repeat(of_patient, 5) + rng.normal(0, 0.05, 200)
        mean = over_patients(values, np.repeat(np.arange(40), 5).astype(str), resamples=300, seed=seed)[1]
        inside += mean.low <= 0.6 <= mean.high
    # over 3000 such samples it is 93.4 %, Student's interval of 40 patients' means 95.0 %, and units drawn as if they
    # were patients 64 %; three standard deviations either way
    assert 176 <= inside <= 198


def test_one_patient_has_no_interval_and_nobody_nothing():
    median, mean = over_patients(np.array([0.2, 0.4]), ["a", "a"])
    assert (median.value, mean.value) == (pytest.approx(0.3), pytest.approx(0.3))
    assert np.isnan([median.low, median.high, mean.low, mean.high]).all()
    assert np.isnan(over_patients(np.array([]), [])).all()


def test_same_seed_same_interval_whatever_the_order():
    order = RNG.permutation(41)
    first = over_patients(VALUES, PATIENTS, resamples=40, seed=1)
    np.testing.assert_allclose(over_patients(VALUES[order], [PATIENTS[i] for i in order], resamples=40, seed=1), first)
    assert over_patients(VALUES, PATIENTS, resamples=40, seed=2) != first


def test_resampled_medians_are_those_of_repeated_slices():
    rng = np.random.default_rng(0)
    values, owner = rng.choice([0.0, 0.1, 0.4, 0.8], 17), rng.integers(4, size=17)
    draws = rng.multinomial(4, [0.25] * 4, size=20)
    expected = [np.median(np.repeat(values, draw[owner])) for draw in draws]
    np.testing.assert_allclose(resampled_medians(values, owner, draws), expected)
