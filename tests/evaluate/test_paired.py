import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.paired import differences, holm, signed_rank_p

INF = np.inf


def test_holm_by_hand() -> None:
    # sorted 0.01 0.02 0.03 0.04 times 4 3 2 1 is 0.04 0.06 0.06 0.04; no later one is below an earlier
    given = np.array([0.04, 0.01, 0.03, 0.02])
    np.testing.assert_allclose(holm(given), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1.0, 1.0])


def test_holm_does_not_count_what_is_undefined() -> None:
    np.testing.assert_allclose(holm(np.array([np.nan, 0.01, 0.02])), [np.nan, 0.02, 0.02])
    assert holm(np.empty(0)).shape == (0,)


def test_signed_ranks_by_counting_all_signs() -> None:
    found = np.array([0.03, -0.01, 0.04, 0.02, 0.05, 0.06])
    ranks = np.argsort(np.argsort(np.abs(found))) + 1
    against = ranks[found < 0].sum()
    sums = [sum(r for i, r in enumerate(ranks) if signs >> i & 1) for signs in range(2 ** len(found))]
    expected = 2 * sum(s <= against for s in sums) / len(sums)
    assert signed_rank_p(found) == pytest.approx(expected)
    assert signed_rank_p(-found) == pytest.approx(expected)
    assert signed_rank_p(np.append(found, [0.0, 1e-13])) == pytest.approx(expected)


def test_signed_ranks_without_a_difference_or_patients() -> None:
    assert signed_rank_p(np.zeros(5)) == 1
    assert signed_rank_p(np.array([0.2])) == 1
    assert np.isnan(signed_rank_p(np.empty(0)))


def test_differences_are_paired_by_name_and_know_infinity() -> None:
    a = {"p": 3.0, "q": INF, "r": INF, "s": np.nan, "t": 1.0}
    b = {"t": INF, "s": 2.0, "r": 5.0, "q": INF, "p": 1.0}
    rows = pd.DataFrame(
        [{"case": case, "source": name, "hd95_mm": v} for name, of in (("a", a), ("b", b)) for case, v in of.items()]
    )
    assert differences(rows, "hd95_mm", "a", "b").tolist() == [2.0, 0.0, INF, -INF]
