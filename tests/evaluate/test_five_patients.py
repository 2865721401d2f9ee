import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from hnseg.evaluate.five_methods import METHODS, PAIRS
from hnseg.evaluate.five_patients import (
    ClickEffect,
    click_effects,
    intervals,
    patient_scores,
    patient_tests,
)
from tests.evaluate.test_five_methods import by_hand, make_scores


def test_patients_by_hand():
    found = patient_scores(by_hand(CNNonly=[0.1, 0.5, 0.2, 0.7], cm1CNN=[0.0, 0.4, 0.8, np.nan])).set_index("case")
    assert list(found["slices"]) == [2, 1, 1]
    np.testing.assert_allclose(found["CNNonly_median"], [0.3, 0.2, 0.7])
    np.testing.assert_allclose(found["cm1CNN_mean"], [0.2, 0.8, np.nan])
    assert found["CNNrand_median"].isna().all()


def test_the_test_counts_patients_and_not_slices():
    scores = make_scores(folds=2, patients=5, slices=6)
    found = patient_tests(scores)
    assert list(zip(found["method"], found["reference"], strict=True)) == list(PAIRS)
    assert set(found["patients"]) == {10}
    for kind in ("median", "mean"):
        wide = scores.groupby("case")[list(METHODS)].agg(kind)
        for line in found.to_dict("records"):
            expected = wilcoxon(wide[line["method"]], wide[line["reference"]]).pvalue
            assert line[f"{kind}_p"] == pytest.approx(expected)
    first = found.iloc[0]
    assert (first["better"], first["worse"]) == (10, 0)
    assert first["median_p"] == pytest.approx(2 / 2**10)
    assert first["median_holm_p"] >= first["median_p"]


def test_copies_of_a_slice_do_not_make_it_surer():
    """Ten times the same slices: the test of slices would be far surer, that of patients stays the same."""
    once = make_scores(patients=5, slices=1)
    often = pd.concat([once.assign(slice=i) for i in range(10)], ignore_index=True)
    pd.testing.assert_frame_equal(patient_tests(once), patient_tests(often))
    pd.testing.assert_frame_equal(intervals(once).drop(columns="slices"), intervals(often).drop(columns="slices"))


def test_intervals_hold_the_medians_and_difference():
    scores = make_scores(patients=8)
    found = intervals(scores).set_index("method")
    assert list(found.index) == list(METHODS)
    np.testing.assert_allclose(found["median"], scores[list(METHODS)].median())
    assert (found["low"] <= found["median"]).all()
    assert (found["median"] <= found["high"]).all()
    assert found.loc["CNNonly", ["difference", "difference_low"]].isna().all()
    gain = found.loc["cm1CNN"]
    assert gain["difference"] == pytest.approx(gain["median"] - found.loc["CNNonly", "median"])
    # of the same draws: far narrower than each median's own
    assert gain["difference_high"] - gain["difference_low"] < gain["high"] - gain["low"]


def test_intervals_do_not_depend_on_the_order_of_rows():
    scores = make_scores()
    shuffled = scores.sample(frac=1, random_state=3)
    assert intervals(scores).to_csv() == intervals(shuffled).to_csv()
    assert intervals(scores).to_csv() != intervals(scores, seed=1).to_csv()


def test_one_patient_has_medians_but_no_interval():
    found = intervals(make_scores(folds=1, patients=1)).set_index("method")
    assert found["median"].notna().all()
    assert found[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)
    effect = click_effects(make_scores(folds=1, patients=1))["cm1CNN"]
    assert (effect.patients, effect.p, effect.answer) == (1, 1.0, "unclear")


def test_what_a_click_gains():
    effects = click_effects(make_scores(patients=6))
    assert list(effects) == list(METHODS[1:])
    best = effects["cm1CNN"]
    assert (best.answer, best.better, best.worse, best.slices) == ("helps", 12, 0, 60)
    assert 0.1 < best.low < best.difference < best.high < 0.3
    turned = make_scores(patients=6).rename(columns={"CNNonly": "cm1CNN", "cm1CNN": "CNNonly"})
    assert click_effects(turned)["cm1CNN"].answer == "harms"
    assert click_effects(make_scores().drop(columns="CNNonly")) == {}
    same = make_scores().assign(cm1CNN=lambda s: s["CNNonly"])
    assert (click_effects(same)["cm1CNN"].answer, click_effects(same)["cm1CNN"].p) == ("unclear", 1.0)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, "helps"),
        ({"p": 0.06}, "unclear"),
        ({"p": np.nan}, "unclear"),
        ({"low": -0.01}, "unclear"),
        ({"low": np.nan, "high": np.nan}, "unclear"),
        ({"low": -0.3, "high": -0.1, "better": 2, "worse": 20}, "harms"),
        ({"better": 2, "worse": 20}, "unclear"),
    ],
)
def test_interval_and_test_must_agree(changes, answer):
    effect = ClickEffect("cm1CNN", 0.7, 0.5, 0.2, 0.1, 0.3, 240, 24, 20, 3, 0.001)
    assert effect._replace(**changes).answer == answer
