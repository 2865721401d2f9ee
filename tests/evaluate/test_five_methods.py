import numpy as np
import pandas as pd
import pytest
from scipy.stats import levene, wilcoxon

from hnseg.evaluate.five_methods import (
    METHODS,
    PAIRS,
    brown_forsythe_p,
    checked_scores,
    equal_variances_p,
    shared_slices,
    table1,
    table2,
    table3,
)

GAIN = {"CNNonly": 0.0, "CNNrand": 0.02, "CNNcm": 0.04, "rand1CNN": 0.1, "cm1CNN": 0.2}


def make_scores(folds=2, patients=4, slices=5, seed=0):
    """A row a slice; a method's Dice is that of CNNonly, its gain and noise of its own."""
    rng = np.random.default_rng(seed)
    keys = [
        {"fold": f"set_{f}", "case": f"p{f}{p}", "slice": s}
        for f in range(folds) for p in range(patients) for s in range(slices)
    ]  # fmt: skip
    alone = rng.uniform(0.2, 0.7, len(keys))
    noise = rng.normal(0, 0.03, (len(METHODS), len(keys)))
    scores = {name: np.clip(alone + GAIN[name] + noise[i], 0, 1) for i, name in enumerate(METHODS)}
    return pd.DataFrame(keys).assign(**scores)


def by_hand(**columns):
    """Two folds: two slices of p0, one of p1; then one of p2."""
    keys = {"fold": ["1", "1", "1", "2"], "case": ["p0", "p0", "p1", "p2"], "slice": [7, 8, 7, 7]}
    return pd.DataFrame(keys | columns)


def cell(table, row, column):
    return table.set_index("method").loc[row, column]


def test_medians_and_deviation_by_hand():
    found = table1(by_hand(CNNonly=[0.1, 0.5, 0.2, 0.7], cm1CNN=[0.0, 0.4, 0.8, 1.0])).set_index("row")
    assert list(found.index) == ["1", "2", "all test sets", "SD"]
    assert list(found["slices"]) == [3, 1, 4, 4]
    assert list(found["patients"]) == [2, 1, 3, 3]
    np.testing.assert_allclose(found["CNNonly"][:3], [0.2, 0.7, 0.35])
    np.testing.assert_allclose(found["cm1CNN"][:3], [0.4, 1.0, 0.6])
    # of 0.0 0.4 0.8 1.0 the mean is 0.55, the squares' sum 0.3025 + 0.0225 + 0.0625 + 0.2025 = 0.59
    assert found.loc["SD", "cm1CNN"] == pytest.approx(np.sqrt(0.59 / 3))
    assert found[["CNNrand", "CNNcm", "rand1CNN"]].isna().all(axis=None)


def test_methods_are_compared_on_the_slices_that_all_have():
    scores = by_hand(CNNonly=[0.1, 0.5, 0.2, 0.7], cm1CNN=[0.0, 0.4, 0.8, np.nan])
    assert len(shared_slices(scores)) == 3
    found = table1(scores).set_index("row")
    assert found.loc["2", "CNNonly"] == 0.7
    assert np.isnan(found.loc["2", "cm1CNN"])
    assert found.loc["all test sets", "CNNonly"] == 0.2
    assert found.loc["all test sets", "slices"] == 3


def test_wilcoxon_is_that_of_scipy_in_the_papers_triangle():
    scores = make_scores()
    found = table2(scores)
    assert list(found["method"]) == ["cm1CNN", "rand1CNN", "CNNcm", "CNNrand"]
    assert list(found)[1:5] == ["CNNonly", "CNNrand", "CNNcm", "rand1CNN"]
    assert found.iloc[:, 1:5].notna().to_numpy().tolist() == [[True] * n + [False] * (4 - n) for n in (4, 3, 2, 1)]
    for row, column in PAIRS:
        assert cell(found, row, column) == pytest.approx(wilcoxon(scores[row], scores[column]).pvalue)
    assert cell(found, "cm1CNN", "CNNonly_holm") == pytest.approx(10 * found[list(METHODS[:4])].min(axis=None))


def test_variances_are_compared_both_ways():
    scores = make_scores()
    scores["CNNonly"] = ((scores["CNNonly"] - 0.5) * 2.2 + 0.5).clip(0, 1)
    found = table3(scores)
    # by integrating the density of F with Monte Carlo instead of its distribution function
    rng = np.random.default_rng(1)
    draws = rng.f(39, 39, 400_000)
    ratio = scores["cm1CNN"].var() / scores["CNNcm"].var()
    expected = 2 * min((draws < ratio).mean(), (draws > ratio).mean())
    assert cell(found, "cm1CNN", "CNNcm") == pytest.approx(expected, abs=0.005)
    assert cell(found, "cm1CNN", "CNNonly") < 1e-3 < cell(found, "cm1CNN", "CNNcm")
    robust = levene(scores["cm1CNN"], scores["CNNonly"], center="median").pvalue
    assert cell(found, "cm1CNN", "CNNonly_brown_forsythe") == pytest.approx(robust)
    assert cell(found, "cm1CNN", "CNNonly_brown_forsythe_holm") >= robust


def test_the_f_test_by_hand_is_symmetric_and_has_no_floor():
    # F with two and two degrees of freedom: cdf(q) = q / (1 + q); variances 1 and 4, q = 1/4: 2 * 0.2
    first, second = np.array([-1.0, 0, 1]), np.array([-2.0, 0, 2])
    assert equal_variances_p(first, second) == pytest.approx(0.4)
    assert equal_variances_p(second, first) == pytest.approx(0.4)
    assert equal_variances_p(first, first) == pytest.approx(1)
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0, 0.1, 962), rng.normal(0, 0.2, 962)
    assert 0 < equal_variances_p(wide, narrow) < 1e-50
    assert equal_variances_p(wide, narrow) == pytest.approx(equal_variances_p(narrow, wide))


def test_no_variance_and_no_values():
    same, other = np.full(4, 0.5), np.array([0.1, 0.2, 0.3, 0.9])
    for test in (equal_variances_p, brown_forsythe_p):
        assert test(same, same + 0.1) == 1
        assert test(other[:1], other[:1]) != test(other[:1], other[:1])  # nan
    assert equal_variances_p(same, other) == equal_variances_p(other, same) == 0


def test_identical_methods_and_a_single_fold():
    scores = make_scores(folds=1).assign(**dict.fromkeys(METHODS, 0.4))
    assert list(table1(scores)["row"]) == ["set_0", "all test sets", "SD"]
    for table, names in ((table2(scores), ("", "_holm")), (table3(scores), ("", "_brown_forsythe"))):
        values = [cell(table, row, f"{column}{name}") for row, column in PAIRS for name in names]
        assert values == [1.0] * 20


def test_missing_methods_take_no_part_in_holms_correction():
    found = table2(make_scores().drop(columns=["CNNrand", "CNNcm", "rand1CNN"]))
    assert cell(found, "cm1CNN", "CNNonly_holm") == cell(found, "cm1CNN", "CNNonly")
    assert found.iloc[:, 1:].notna().to_numpy().sum() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.drop(columns="slice"), r"lacks the columns \['slice'\]"),
        (lambda s: s.drop(columns=list(METHODS)), "no slice has a score"),
        (lambda s: s.iloc[:0], "no slice has a score"),
        (lambda s: pd.concat([s, s.iloc[3:4]]), "slice 3 of p00 has two rows in fold set_0"),
        (lambda s: s.assign(CNNcm=s["CNNcm"] * 100), "a Dice is from 0 to 1"),
    ],
)
def test_what_is_no_table_of_slices_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        checked_scores(change(make_scores()))


def test_same_input_same_bytes():
    for table in (table1, table2, table3):
        assert table(make_scores()).to_csv() == table(make_scores()).to_csv()
