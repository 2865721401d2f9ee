import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.cases import evaluate_case, missed_case
from hnseg.evaluate.hecktor import official_scores
from hnseg.types import Grid, Volume

GRID = Grid((8, 8, 8), (2.0, 1.0, 1.0))
NAMES = ("GTVp", "GTVn")


def label_map(primary: int = 0, nodal: int = 0, shift: int = 0) -> Volume:
    """A primary and a node as lines of so many voxels."""
    array = np.zeros(GRID.shape_zyx, np.uint8)
    array[1, 1, shift : shift + primary] = 1
    array[6, 6, shift : shift + nodal] = 2
    return Volume(array, GRID)


def scored(**cases: tuple[Volume | None, Volume]) -> pd.DataFrame:
    rows = []
    for case_id, (prediction, truth) in cases.items():
        if prediction is None:
            rows += missed_case(truth, NAMES, (True, True), case_id=case_id, centre="")
        else:
            rows += evaluate_case(prediction, truth, NAMES, (True, True), case_id=case_id, centre="")
    return pd.DataFrame(rows)


GOOD = label_map(4, 4), label_map(4, 4)
SHIFTED = label_map(4, 4, shift=1), label_map(4, 4)  # Dice 3/4
EMPTY = label_map(), label_map(4, 4)
MISSING = None, label_map(4, 4)


def test_means_and_the_median_by_surface_elements() -> None:
    rows = scored(a=GOOD, b=SHIFTED, c=SHIFTED)
    scores = official_scores(rows, ["a", "b", "c"])["hecktor2021"]["GTVp"]
    assert scores["dice"] == pytest.approx((1 + 0.75 + 0.75) / 3)
    assert scores["precision"] == scores["recall"] == pytest.approx((1 + 0.75 + 0.75) / 3)
    assert scores["hd95_median_mm"] == rows["hd95_surface_mm"].median()


@pytest.mark.parametrize("with_rows", [True, False])
def test_a_missing_patient_scores_zero_and_infinity(with_rows) -> None:
    rows = scored(a=GOOD, b=MISSING) if with_rows else scored(a=GOOD)
    official = official_scores(rows, ["a", "b"])
    scores = official["hecktor2021"]["GTVp"]
    assert scores["dice"] == scores["precision"] == scores["recall"] == 0.5
    assert scores["hd95_median_mm"] == np.inf  # the mean of 0 and infinity
    assert official["without_rows"] == ([] if with_rows else ["b"])
    assert official["hecktor2022"]["GTVp"] == pytest.approx(8 / 12 if with_rows else 1)


def test_the_quirk_of_empty_predictions() -> None:
    rows = scored(a=SHIFTED, b=EMPTY, c=EMPTY)
    code = official_scores(rows, "abc", variant="code")["hecktor2021"]["GTVp"]
    paper = official_scores(rows, "abc", variant="paper")["hecktor2021"]["GTVp"]
    assert code["hd95_median_mm"] == 0
    assert paper["hd95_median_mm"] == np.inf
    assert code["dice"] == paper["dice"] == 0.25
    assert code["precision"] == paper["precision"] == 0.25


def test_empty_on_both_sides_is_right_on_paper_and_wrong_in_code() -> None:
    rows = scored(a=(label_map(), label_map()))
    assert official_scores(rows, "a", variant="paper")["hecktor2021"]["GTVp"]["dice"] == 1
    code = official_scores(rows, "a", variant="code")["hecktor2021"]["GTVp"]
    assert (code["dice"], code["precision"], code["recall"], code["hd95_median_mm"]) == (0, 0, 0, 0)


def test_a_missing_patient_does_not_profit_from_the_quirk() -> None:
    rows = scored(a=MISSING)
    assert official_scores(rows, "a", variant="code")["hecktor2021"]["GTVp"]["hd95_median_mm"] == np.inf


def test_aggregated_dice_of_2022() -> None:
    rows = scored(a=(label_map(4, 2), label_map(4, 4)), b=(label_map(1, 0), label_map(2, 0)))
    scores = official_scores(rows, "ab")["hecktor2022"]
    assert scores["GTVp"] == pytest.approx(2 * (4 + 1) / (8 + 3))
    assert scores["GTVn"] == pytest.approx(2 * 2 / 6)
    assert scores["mean"] == pytest.approx((10 / 11 + 4 / 6) / 2)


def test_scores_of_2025() -> None:
    rows = scored(a=GOOD, b=(label_map(2, 1), label_map(2, 5)), c=MISSING)
    scores = official_scores(rows, "abc")["hecktor2025"]
    assert scores["GTVp_mean_dice"] == pytest.approx(2 / 3)
    assert scores["GTVn_aggregated_dice"] == pytest.approx(2 * 5 / (4 + 4 + 1 + 5 + 4))
    assert scores["GTVn_aggregated_f1"] == pytest.approx(2 / (2 + 1 + 2))  # a hit, b false and missed, c missed


def test_one_structure_has_no_2025_scores_and_other_cases_are_left_out() -> None:
    rows = scored(a=GOOD, z=EMPTY)
    official = official_scores(rows[rows["structure"] == "GTVp"], "a")
    assert "hecktor2025" not in official
    assert official["hecktor2021"]["GTVp"]["dice"] == 1


def test_bad_input_is_refused() -> None:
    rows = scored(a=GOOD)
    with pytest.raises(ValueError, match="variant"):
        official_scores(rows, "a", variant="ours")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a has two rows"):
        official_scores(pd.concat([rows, rows]), "a")
