import numpy as np
import pytest
from scipy import stats

from hnseg.radiomics.first_order import first_order


def test_against_scipy() -> None:
    values = np.random.default_rng(0).gamma(2, 30, 500)
    levels = (values // 10).astype(int) + 1
    found = first_order(values, levels, 2.5, 0.0)
    _, counts = np.unique(levels, return_counts=True)
    middle = values[(values >= np.percentile(values, 10)) & (values <= np.percentile(values, 90))]
    expected = {
        "Skewness": stats.skew(values),
        "Kurtosis": stats.kurtosis(values, fisher=False),
        "Entropy": stats.entropy(counts, base=2),
        "Uniformity": np.sum((counts / 500) ** 2),
        "InterquartileRange": stats.iqr(values),
        "Variance": values.var(),
        "Energy": np.dot(values, values),
        "TotalEnergy": 2.5 * np.dot(values, values),
        "RootMeanSquared": np.linalg.norm(values) / np.sqrt(500),
        "RobustMeanAbsoluteDeviation": np.mean(np.abs(middle - np.mean(middle))),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert len(found) == 18


def test_by_hand() -> None:
    found = first_order(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1, 1, 2, 3]), 1.0, 0.0)
    expected = {
        "Mean": 3, "Median": 2.5, "Minimum": 1, "Maximum": 6, "Range": 5, "Variance": 3.5, "Energy": 50,
        "MeanAbsoluteDeviation": 1.5, "10Percentile": 1.3, "90Percentile": 5.1, "Entropy": 1.5, "Uniformity": 0.375,
        "RobustMeanAbsoluteDeviation": 0.5,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_shift_moves_energies_alone() -> None:
    values, levels = np.array([-3.0, 5.0, 10.0]), np.array([1, 2, 3])
    plain, shifted = (first_order(values, levels, 2.0, shift) for shift in (0.0, 2000.0))
    moved = {name for name in plain if plain[name] != shifted[name]}
    assert moved == {"Energy", "TotalEnergy", "RootMeanSquared"}
    assert shifted["Energy"] == pytest.approx(np.sum((values + 2000) ** 2))


def test_a_flat_region_is_neither_skewed_nor_peaked() -> None:
    flat = first_order(np.full(4, 7.0), np.ones(4, int), 1.0, 0.0)
    assert (flat["Skewness"], flat["Kurtosis"], flat["Variance"], flat["Entropy"], flat["Uniformity"]) == (
        0,
        0,
        0,
        0,
        1,
    )
