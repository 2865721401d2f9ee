import math

import pandas as pd

from hnseg.evaluate import false_positive_table, fold_table
from hnseg.report.cv_words import false_positives_said
from hnseg.report.paper_views import challenge_view, false_positive_view, fold_view


def rows(outside_ml, missed_ml=1.0, fold="A", hd95=3.0):
    """A patient a number, with 3 ml found."""
    return pd.DataFrame(
        {
            "case": [f"{fold}{i}" for i in range(len(outside_ml))], "centre": fold, "structure": "GTVp", "fold": fold,
            "dice": 0.5, "precision": 0.5, "recall": 0.5, "hd95_mm": hd95, "intersection_mm3": 3000.0,
            "volume_mm3": [3000.0 + 1000 * ml for ml in outside_ml], "truth_volume_mm3": 3000.0 + 1000 * missed_ml,
            "lesions_false": 1,
        }
    )  # fmt: skip


def texts(view):
    return [[cell.text for cell in row] for row in view.rows]


def test_folds_in_two_halves():
    before = pd.concat([rows([1, 2]), rows([1], fold="B", hd95=math.inf)])
    after = before.assign(dice=0.75, hd95_mm=2.0)
    view = fold_view(fold_table(before, after), "crf")
    assert view.headings[2] == "Dice"
    assert view.headings[5] == "Dice, crf"
    assert texts(view) == [
        ["A", "2", "0.500", "3.0", "3.0", "0.750", "2.0", "2.0"],
        ["B", "1", "0.500", "∞", "– (1 without)", "0.750", "2.0", "2.0"],
        ["mean of folds", "3", "0.500", "∞", "3.0 (1 without)", "0.750", "2.0", "2.0"],
    ]
    assert view.strong_rows == {2}


def test_structures_get_a_column_where_there_are_two():
    both = pd.concat([rows([1]), rows([1]).assign(structure="GTVn")])
    view = fold_view(fold_table(both), "")
    assert view.headings[:2] == ("Structure", "Fold")
    assert [row[0] for row in texts(view)] == ["GTVp", "GTVp", "GTVn", "GTVn"]


def test_false_positives_before_and_after():
    view = false_positive_view(false_positive_table(rows([4, 2, 1]), rows([1, 2, 1])))
    line = dict(zip(view.headings, texts(view)[0], strict=True))
    assert line["False positive (mL)"] == "2.33 → 1.33"
    assert line["Change (mL)"] == "−1.00"
    assert (line["Fell"], line["Rose"], line["Unchanged"]) == ("1", "0", "2")
    assert line["95 % interval"] == "−3.00 to 0.00"
    assert line["Missed (mL)"] == "1.00 → 1.00"


def said(before, after):
    return false_positives_said(false_positive_table(before, after))


def test_whether_it_fell_is_said_plainly():
    many = list(range(20))
    fell = said(rows([ml + 1 for ml in many]), rows([ml + 0.5 - 0.02 * ml for ml in many]))
    assert fell[0].text.startswith(
        "False-positive volume fell, on average from 10.50 to 9.81 mL a patient; it fell in 20"
    )
    assert "chance" not in fell[0].text
    rose = said(rows([ml + 0.5 - 0.02 * ml for ml in many]), rows([ml + 1 for ml in many]))
    assert rose[0].text.startswith("False-positive volume rose, on average from 9.81 to 10.50")
    assert "did not change in any of 20 patients (9.50 mL" in said(rows(many), rows(many))[0].text


def test_what_may_be_chance_is_called_so():
    text = said(rows([1, 1, 1, 1]), rows([0.2, 1.5, 0.6, 1.1]))[0].text
    assert text.startswith("False-positive volume fell")
    assert "contains zero, so this may be chance" in text
    assert "One patient says nothing" in said(rows([2]), rows([1]))[0].text


def test_tumour_that_went_with_it_is_a_warning():
    lost = said(rows([1, 1]), rows([0, 0], missed_ml=3))
    assert lost[1].warning
    assert "missed volume rose from 1.00 to 3.00 mL" in lost[1].text
    assert len(said(rows([5, 5]), rows([0, 0], missed_ml=3))) == 1


def test_challenge_scores_as_lines():
    official = {
        "hecktor2021": {"GTVp": {"dice": 0.7, "hd95_median_mm": "inf"}},
        "hecktor2022": {"GTVp": 0.8, "GTVn": None, "mean": None},
        "hecktor2025": {"GTVn_aggregated_f1": 0.6},
    }
    view = challenge_view(official)
    assert view is not None
    assert texts(view) == [
        ["HECKTOR 2020, 2021", "GTVp", "mean Dice", "0.700"],
        ["HECKTOR 2020, 2021", "GTVp", "median HD95", "∞ mm"],
        ["HECKTOR 2022", "GTVp", "aggregated Dice", "0.800"],
        ["HECKTOR 2022", "GTVn", "aggregated Dice", "–"],
        ["HECKTOR 2022", "mean", "aggregated Dice", "–"],
        ["HECKTOR 2025", "GTVn", "aggregated F1", "0.600"],
    ]
    assert challenge_view({}) is None
    assert challenge_view({"hecktor2022": {}, "cases": 3}) is None
