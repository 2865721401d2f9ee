import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.compare import compare

TRUE, MINE = 1000.0, 1200.0


def row(case: str, dice: float, structure: str = "GTVt", **changes) -> dict:
    shared = dice * (TRUE + MINE) / 2
    facts = {"case": case, "centre": "C", "structure": structure, "dice": dice, "precision": dice, "recall": dice}
    facts |= {"hd95_mm": 10 * (1 - dice), "volume_mm3": MINE, "truth_volume_mm3": TRUE, "intersection_mm3": shared}
    return facts | {"lesions_hit": 1, "lesions_false": 2, "lesions_missed": 0, "answered": True} | changes


def rows(scores: dict[str, float], **changes) -> pd.DataFrame:
    return pd.DataFrame([row(case, dice, **changes) for case, dice in scores.items()])


FIRST = {f"p{i}": 0.60 + 0.02 * i for i in range(8)}
BETTER = {case: dice + 0.05 + 0.002 * i for i, (case, dice) in enumerate(FIRST.items())}


def test_means_and_differences_by_hand() -> None:
    # rows in another order: pairing goes by name
    found = compare({"first": rows(FIRST), "better": rows(dict(reversed(BETTER.items())))})
    table = found.table.set_index("source")
    assert list(table.index) == ["first", "better"]
    assert table["n"].tolist() == [8, 8]
    assert table["dice_mean"]["first"] == pytest.approx(0.67)
    assert table["dice_sd"]["first"] == pytest.approx(np.std(list(FIRST.values()), ddof=1))
    assert table["hd95_median_mm"]["first"] == pytest.approx(3.3)
    assert table["pooled_dice"]["first"] == pytest.approx(0.67)
    assert table["lesion_f1"]["first"] == pytest.approx(0.5)
    assert table["false_positive_mm3_mean"]["first"] == pytest.approx(MINE - 0.67 * 1100)
    (pair,) = found.pairs.to_dict("records")
    assert (pair["source"], pair["reference"], pair["n"]) == ("better", "first", 8)
    assert pair["dice_difference_mean"] == pytest.approx(0.057)
    assert pair["hd95_difference_median_mm"] == pytest.approx(-0.57)
    assert pair["wilcoxon_p"] == pytest.approx(2 / 2**8)
    assert found.left_out == {}
    assert found.cases["compared"].all()


def test_the_interval_is_of_pairs_not_of_the_sources() -> None:
    pair = compare({"first": rows(FIRST), "better": rows(BETTER)}).pairs.iloc[0]
    spread = np.array([0.05 + 0.002 * i for i in range(8)])
    assert spread.min() <= pair["dice_difference_low"] < 0.057 < pair["dice_difference_high"] <= spread.max()
    # patients differ by 0.14 and the sources by at most 0.064: unpaired draws would reach further
    standard_error = spread.std() / np.sqrt(8)
    assert pair["dice_difference_high"] - pair["dice_difference_low"] == pytest.approx(
        2 * 1.96 * standard_error, rel=0.2
    )


def test_the_same_masks_do_not_differ() -> None:
    pair = compare({"a": rows(FIRST), "b": rows(FIRST)}).pairs.iloc[0]
    assert pair["wilcoxon_p"] == 1
    assert pair["dice_difference_low"] == pair["dice_difference_mean"] == pair["dice_difference_high"] == 0


def test_many_comparisons_are_corrected_over_structures_too() -> None:
    sources = {
        name: pd.concat([rows(scores), rows(scores, structure="GTVn")])
        for name, scores in (("a", FIRST), ("b", BETTER), ("c", FIRST))
    }
    pairs = compare(sources).pairs
    assert pairs[["structure", "source"]].to_numpy().tolist() == [
        ["GTVt", "b"],
        ["GTVt", "c"],
        ["GTVn", "b"],
        ["GTVn", "c"],
    ]
    np.testing.assert_allclose(pairs["holm_p"], [4 / 128, 1, 4 / 128, 1])
    assert (pairs["holm_p"] >= pairs["wilcoxon_p"]).all()


def test_who_is_not_in_all_is_left_out_by_name() -> None:
    fewer = {case: dice for case, dice in BETTER.items() if case != "p3"}
    missed = rows(FIRST)
    missed.loc[missed["case"] == "p5", ["answered", "dice"]] = False, 0.0
    found = compare({"a": missed, "b": rows(fewer)})
    assert found.left_out == {"p3": "not in b", "p5": "not in a"}
    assert found.table["n"].tolist() == [6, 6]
    assert sorted(found.cases.loc[~found.cases["compared"], "case"]) == ["p3", "p5", "p5"]


def test_patients_scored_for_different_structures_are_left_out() -> None:
    both = pd.concat([rows(FIRST), rows(FIRST, structure="GTVn")])
    one_less = both[(both["case"] != "p2") | (both["structure"] == "GTVt")]
    found = compare({"a": both, "b": one_less})
    assert found.left_out == {"p2": "not scored: GTVn in b"}
    # a structure that one source never has says nothing about its patients
    found = compare({"a": both, "b": rows(BETTER)})
    assert found.left_out == {}
    assert found.table["structure"].tolist() == ["GTVt", "GTVt"]


def test_another_truth_is_found_by_its_volume() -> None:
    other = rows(BETTER)
    other.loc[0, "truth_volume_mm3"] = 1002.0
    other.loc[1, "truth_volume_mm3"] = 1000.5
    found = compare({"a": rows(FIRST), "b": other})
    assert list(found.left_out) == ["p0"]
    assert "1000 mm3 in a, 1002 mm3 in b" in found.left_out["p0"]


def test_a_name_of_the_summary_is_a_name_like_any() -> None:
    table = compare({"all patients": rows(FIRST), "mean of centres": rows(BETTER)}).table.set_index("source")
    assert table["dice_mean"]["all patients"] == pytest.approx(0.67)
    assert table["dice_mean"]["mean of centres"] == pytest.approx(0.727)


def test_empty_truths_are_compared() -> None:
    nothing = {"truth_volume_mm3": 0.0, "intersection_mm3": 0.0, "recall": np.nan, "lesions_hit": 0}
    empty = rows(FIRST, volume_mm3=0.0, **nothing, lesions_false=0).assign(dice=1.0, hd95_mm=0.0)
    false = rows(FIRST, **nothing).assign(dice=0.0, hd95_mm=np.inf)
    found = compare({"empty": empty, "false": false})
    assert found.table["false_positive_mm3_mean"].tolist() == [0, MINE]
    assert np.isnan(found.table["pooled_dice"][0])
    assert found.pairs["hd95_difference_median_mm"].tolist() == [np.inf]


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"a": rows(FIRST)}, "at least two"),
        ({"a": rows(FIRST), "b": rows(FIRST).drop(columns="lesions_hit")}, "lesions_hit"),
        ({"a": rows(FIRST), "b": pd.concat([rows(FIRST), rows({"p1": 0.5})])}, "p1 has two rows"),
        ({"a": rows(FIRST), "b": rows(FIRST, structure="GTVp")}, "no structure"),
        ({"a": rows(FIRST), "b": rows({"other": 0.5})}, "no patient can be compared"),
    ],
)
def test_what_cannot_be_compared_is_said(sources, said) -> None:
    with pytest.raises(ValueError, match=said):
        compare(sources)
