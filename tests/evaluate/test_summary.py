import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.summary import TOO_FEW, bootstrap_means, summarise


def table(**dice_by_centre: list[float]) -> pd.DataFrame:
    lines = [
        {"case": f"{centre}{i}", "centre": centre, "structure": "GTVt", "dice": value, "precision": value / 2,
         "recall": 1 - value, "hd95_mm": 10 * value}
        for centre, values in dice_by_centre.items()
        for i, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(lines)


def line(summary: pd.DataFrame, centre: str) -> pd.Series:
    return summary[summary["centre"] == centre].iloc[0]


def test_means_spreads_and_medians() -> None:
    chum = line(summarise(table(CHUM=[0.5, 0.7, 0.9], CHUS=[0.1])), "CHUM")
    assert chum["n"] == 3
    assert chum["dice_mean"] == pytest.approx(0.7)
    assert chum["dice_sd"] == pytest.approx(0.2)
    assert chum["precision_mean"] == pytest.approx(0.35)
    assert chum["hd95_median_mm"] == pytest.approx(7)


def test_all_patients_and_mean_of_centres_differ() -> None:
    summary = summarise(table(CHUM=[0.5, 0.7, 0.9], CHUS=[0.1]))
    assert list(summary["centre"]) == ["CHUM", "CHUS", "all patients", "mean of centres"]
    assert line(summary, "all patients")["dice_mean"] == pytest.approx(2.2 / 4)
    assert line(summary, "mean of centres")["dice_mean"] == pytest.approx((0.7 + 0.1) / 2)
    assert line(summary, "mean of centres")["n"] == 4


def test_the_papers_average_is_over_centres() -> None:
    published = table(CHUS=[0.744] * 72, CHUM=[0.739] * 56, CHGJ=[0.801] * 55, CHMR=[0.696] * 18)
    assert round(line(summarise(published), "mean of centres")["dice_mean"], 3) == 0.745


def test_interval_is_reproducible_and_independent_of_other_centres() -> None:
    values = list(np.random.default_rng(1).beta(5, 2, 40))
    first, again = (summarise(table(CHUM=values, CHUS=[0.2, 0.4]), seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    alone = line(summarise(table(CHUM=values), seed=3), "CHUM")
    assert alone["dice_low"] == line(first, "CHUM")["dice_low"]
    assert line(summarise(table(CHUM=values), seed=4), "CHUM")["dice_low"] != alone["dice_low"]
    assert alone["dice_low"] < alone["dice_mean"] < alone["dice_high"]


def test_interval_has_about_the_width_of_the_normal_one() -> None:
    values = np.random.default_rng(2).normal(0.7, 0.1, 200)
    chum = line(summarise(table(CHUM=list(values))), "CHUM")
    assert chum["dice_high"] - chum["dice_low"] == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.1)


def test_undefined_values_stay_out_and_infinity_stays_in() -> None:
    rows = table(CHUM=[0.0, 0.5, 0.7])
    rows.loc[0, "precision"] = np.nan
    rows.loc[[0, 1], "hd95_mm"] = np.inf
    chum = line(summarise(rows), "CHUM")
    assert chum["precision_mean"] == pytest.approx(0.3)
    assert chum["dice_mean"] == pytest.approx(0.4)
    assert chum["hd95_median_mm"] == np.inf
    assert np.isnan(bootstrap_means(np.array([np.nan]), 5, np.random.default_rng(0))).all()


def test_structures_are_kept_apart() -> None:
    rows = pd.concat([table(CHUM=[0.2]), table(CHUM=[0.8]).assign(structure="GTVn")])
    summary = summarise(rows)
    assert list(summary[summary["centre"] == "CHUM"]["dice_mean"]) == [0.2, 0.8]


def test_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="recall"):
        summarise(table(CHUM=[0.5]).drop(columns="recall"))


def test_where_patients_are_too_few_their_number_stands_alone() -> None:
    rows = table(CHUM=[0.5, 0.7, 0.9, 0.8], CHUS=[0.1, 0.3], CHGJ=[0.2, 0.4, 0.6])
    summary = summarise(rows, least_n=3)
    few = line(summary, "CHUS")
    assert (few["n"], few["note"]) == (2, TOO_FEW)
    assert few.drop(["structure", "centre", "n", "note"]).isna().all()
    usual = summarise(rows)
    for centre in ("CHUM", "CHGJ", "all patients"):
        pd.testing.assert_series_equal(line(summary, centre).drop("note"), line(usual, centre), check_names=False)
    assert line(summary, "mean of centres")["n"] == 7  # without those two
    assert line(summary, "mean of centres")["dice_mean"] == pytest.approx((0.725 + 0.4) / 2)


def test_nothing_is_averaged_where_all_are_too_few() -> None:
    summary = summarise(table(CHUM=[0.5, 0.7], CHUS=[0.1]), least_n=5)
    assert set(summary["note"]) == {TOO_FEW}
    assert summary.drop(columns=["structure", "centre", "n", "note"]).isna().all(axis=None)
    assert summary["n"].tolist() == [2, 1, 3, 0]


def test_the_usual_table_has_no_note() -> None:
    assert "note" not in summarise(table(CHUM=[0.5, 0.7], CHUS=[0.1]))


@pytest.mark.parametrize("least_n", [1, 2])
def test_the_interval_of_the_mean_of_centres_is_of_centres_alone(least_n) -> None:
    mean = line(summarise(table(CHUM=[0.8] * 6, CHUS=[0.2] * 2), least_n=least_n), "mean of centres")
    assert mean["dice_low"] == mean["dice_high"] == pytest.approx(0.5)
