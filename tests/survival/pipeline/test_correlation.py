import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from hnseg.survival.pipeline.correlation import CorrelationFilter, spearman

pytestmark = pytest.mark.usefixtures("all_training")


def patients(count: int) -> list[str]:
    return [f"p{number:03}" for number in range(count)]


def near_copies(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(50, 5))
    values = causes[:, rng.integers(0, 5, 20)] * rng.choice([-1, 1], 20) + 0.6 * rng.normal(size=(50, 20))
    values[:, 3] = np.round(values[:, 3])
    return pd.DataFrame(values, patients(50), [f"x{number}" for number in range(20)])


def test_correlations_agree_with_scipy_and_pandas_with_ties() -> None:
    table = near_copies()
    np.testing.assert_allclose(spearman(table.to_numpy()), spearmanr(table).statistic, atol=1e-12)
    np.testing.assert_allclose(spearman(table.to_numpy()), table.corr("spearman"), atol=1e-12)


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.8])
def test_the_later_of_each_pair_goes_counted_pair_by_pair(threshold: float) -> None:
    table = near_copies()
    gone = set()
    for place, earlier in enumerate(table):
        for later in list(table)[place + 1 :]:
            if abs(spearmanr(table[earlier], table[later]).statistic) > threshold:
                gone.add(later)
    fitted = CorrelationFilter(threshold).fit(table)
    assert 0 < len(gone) < 20
    assert fitted.dropped_ == [name for name in table if name in gone]
    assert list(fitted.transform(table).columns) == fitted.kept_ == [name for name in table if name not in gone]


def test_by_hand_at_the_threshold() -> None:
    # squared differences of ranks sum to 4: 1 - 6 * 4 / (5 * 24) = 0.8, which is not above 0.8; of 2: 0.9
    columns = {"a": [1, 2, 3, 4, 5], "at": [2, 1, 4, 3, 5], "above": [5, 4, 3, 1, 2]}
    table = pd.DataFrame(columns, patients(5), dtype=float)
    fitted = CorrelationFilter(0.8).fit(table)
    assert fitted.dropped_ == ["above"]


def test_only_ranks_count() -> None:
    table = near_copies()
    fitted = CorrelationFilter(0.6).fit(table)
    assert CorrelationFilter(0.6).fit(np.exp(table)).kept_ == fitted.kept_
    assert CorrelationFilter(0.6).fit(-table).kept_ == fitted.kept_


def test_a_threshold_of_1_keeps_even_copies_and_a_constant_resembles_nothing() -> None:
    table = near_copies().assign(copy=lambda t: t["x0"], same=3.0, same_again=4.0)
    assert CorrelationFilter(1.0).fit(table).dropped_ == []
    assert "copy" in CorrelationFilter(0.99).fit(table).dropped_
    assert {"same", "same_again"} <= set(CorrelationFilter(0.1).fit(table).kept_)


def test_saved_and_read_back() -> None:
    table = near_copies()
    fitted = CorrelationFilter(0.7).fit(table)
    back = CorrelationFilter.from_plain(fitted.to_plain())
    assert (back.threshold, back.kept_, back.dropped_) == (0.7, fitted.kept_, fitted.dropped_)
    for change in ({"kept": []}, {"kept": ["y"]}, {"parameters": {"threshold": "0.7"}}, {"kind": "scale"}):
        with pytest.raises(ValueError, match="saved state"):
            CorrelationFilter.from_plain(fitted.to_plain() | change)
