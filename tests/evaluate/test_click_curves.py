import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.click_curves import COUNTS, click_curve, click_users, clicks_needed


def robot(case, dice, method="network", structure="GTVp", slice=None, **more):
    """Rows of a unit; what follows the last Dice repeats it."""
    dice = [*dice, *[dice[-1]] * (11 - len(dice))]
    return [
        {"case": case, "slice": slice, "structure": structure, "method": method, "user": "robot", "clicks": count,
         "dice": value, "predicted_ml": 1.0, **more}
        for count, value in enumerate(dice)
    ]  # fmt: skip


def user(case, name, clicks, dice, ml, method="network", slice=None):
    return {"case": case, "slice": slice, "structure": "GTVp", "method": method, "user": name, "clicks": clicks,
            "dice": dice, "predicted_ml": ml}  # fmt: skip


def line(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.fixture(scope="module")
def three():
    return pd.DataFrame(three_units())


def three_units():
    return [*robot("A", [0.2, 0.4, 0.9]), *robot("B", [0.9]), *robot("C", [0.1, 0.2, 0.3, 0.4])]


def test_the_curve_by_hand(three):
    curve = click_curve(three, resamples=50)
    assert list(curve["clicks"]) == list(COUNTS)
    assert list(curve["dice_median"]) == pytest.approx([0.2, 0.4, 0.9, 0.9, 0.9, 0.9])
    assert list(curve["dice_mean"]) == pytest.approx([0.4, 0.5, 0.7, 2.2 / 3, 2.2 / 3, 2.2 / 3])
    assert set(curve["units"]) == set(curve["patients"]) == {3}
    assert (curve["dice_median_low"] <= curve["dice_median"]).all()
    assert (curve["dice_median_high"] >= curve["dice_median"]).all()


def test_slices_are_units_and_their_patient_is_drawn():
    rows = pd.DataFrame([row for z in range(8) for row in robot("A", [0.1 * z], slice=z)] + robot("B", [0.5], slice=3))
    first = click_curve(rows, resamples=20).iloc[0]
    assert (first["units"], first["patients"]) == (9, 2)
    alone = click_curve(rows[rows["case"] == "A"], resamples=20).iloc[0]
    assert np.isnan(alone["dice_median_low"])  # eight slices are still one patient


def test_methods_and_structures_are_apart_and_clicks_ascend():
    rows = [*robot("A", [0.1, 0.2], structure="GTVn"), *robot("A", [0.3, 0.5]),
            *robot("A", [0.0, 0.6], method="pet_threshold")]  # fmt: skip
    curve = click_curve(pd.DataFrame(rows[::-1]))
    assert line(curve, structure="GTVp", method="network", clicks=1)["dice_median"] == 0.5
    assert line(curve, structure="GTVp", method="pet_threshold", clicks=0)["dice_median"] == 0
    assert line(curve, structure="GTVn", method="network", clicks=10)["dice_median"] == 0.2
    for _, group in curve.groupby(["structure", "method"]):
        assert list(group["clicks"]) == list(COUNTS)


def test_what_the_truth_does_not_show_has_no_dice(three):
    without = pd.DataFrame(robot("D", [np.nan]))
    pd.testing.assert_frame_equal(click_curve(pd.concat([three, without])), click_curve(three))
    pd.testing.assert_frame_equal(clicks_needed(pd.concat([three, without])), clicks_needed(three))
    assert click_curve(without).empty
    assert clicks_needed(without).empty


def test_clicks_needed_by_hand(three):
    found = clicks_needed(three, resamples=30).iloc[0]  # A needs 2, B none, C never gets there: 11
    assert found["clicks_median"] == 2
    assert found["clicks_mean"] == pytest.approx(13 / 3)
    assert (found["never"], found["without_click"], found["units"]) == (1, 1, 3)
    assert clicks_needed(three, dice=0.4).iloc[0]["clicks_mean"] == pytest.approx((1 + 0 + 3) / 3)
    early = clicks_needed(three, most=1).iloc[0]
    assert (early["clicks_median"], early["never"]) == (2, 2)  # 2: more than the 1 that was allowed


def test_the_first_count_that_gets_there_counts_even_if_dice_falls_again():
    rows = pd.DataFrame(robot("A", [0.1, 0.85, 0.2]))
    assert clicks_needed(rows).iloc[0]["clicks_median"] == 1


def test_a_slice_number_is_one_unit_a_patient_and_fold():
    rows = pd.DataFrame([*robot("A", [0.9], slice=4, fold="1"), *robot("B", [0.1], slice=4, fold="1"),
                         *robot("A", [0.1], slice=4, fold="2")])  # fmt: skip
    found = clicks_needed(rows).iloc[0]
    assert (found["units"], found["patients"], found["without_click"], found["never"]) == (3, 2, 1, 2)


def test_users_by_hand():
    rows = [user("A", "centre", 1, 0.8, 3.0), user("B", "centre", 3, 0.6, 3.0), user("A", "wrong_organ", 1, 0.0, 9.0),
            user("A", "displaced_6mm", 1, 0.3, 3.0), user("E", "no_tumour", 0, np.nan, 0.0),
            user("E", "no_tumour", 0, np.nan, 0.5, slice=2), user("F", "no_tumour", 0, np.nan, 4.0),
            user("E", "no_tumour_clicked", 1, np.nan, 7.0),
            user("A", "centre", 1, 0.4, 3.0, method="pet_threshold")]  # fmt: skip
    table = click_users(pd.DataFrame(three_units() + rows), resamples=20)
    network = table[table["method"] == "network"]
    assert list(dict.fromkeys(table["user"])) == [
        "no_click", "centre", "displaced_6mm", "wrong_organ", "no_tumour", "no_tumour_clicked"
    ]  # fmt: skip
    unclicked = line(network, user="no_click")
    assert (unclicked["units"], unclicked["dice_median"], unclicked["clicks"]) == (3, 0.2, 0)
    centre = line(network, user="centre")
    assert (centre["dice_median"], centre["clicks"]) == (pytest.approx(0.7), 2)
    assert line(table, user="centre", method="pet_threshold")["dice_median"] == 0.4
    empty = line(network, user="no_tumour")
    assert (empty["units"], empty["patients"]) == (3, 2)
    assert empty["outlined"] == pytest.approx(2 / 3)
    assert empty["predicted_ml"] == 0.5
    assert np.isnan(empty["dice_median"])
    assert line(network, user="no_tumour_clicked")["predicted_ml"] == 7


def test_a_lacking_column_is_named(three):
    for function in (click_curve, clicks_needed, click_users):
        with pytest.raises(ValueError, match=r"lacks the columns \['method'\]"):
            function(three.drop(columns="method"))
