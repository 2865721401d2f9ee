import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.organ_table import MEAN_OF_ORGANS, organ_table, organ_text
from hnseg.evaluate.summary import ALL_PATIENTS, TOO_FEW

NAMES = ("BrainStem", "Chiasm", "Mandible")


def rows(centre: str, **dice: list[float]) -> pd.DataFrame:
    lines = [
        {"case": f"{centre}{i}", "centre": centre, "structure": name, "dice": value, "dice_slices": value / 2,
         "surface_dice": 1 - value, "hd95_mm": 10 * value, "tolerance_mm": 2.5}
        for name, values in dice.items()
        for i, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(lines)


def line(table: pd.DataFrame, structure: str, centre: str = "") -> pd.Series:
    return table[(table["structure"] == structure) & (table["centre"] == centre)].iloc[0]


def test_a_row_an_organ_in_the_order_of_the_labels_and_the_mean_last() -> None:
    table = organ_table(rows("", Mandible=[0.9, 0.7], BrainStem=[0.5, 0.6, 0.7]), NAMES, least_n=2)
    assert table["structure"].tolist() == [*NAMES, MEAN_OF_ORGANS]
    stem = line(table, "BrainStem")
    assert (stem["n"], stem["tolerance_mm"], stem["note"]) == (3, 2.5, "")
    assert [stem["dice_mean"], stem["dice_sd"], stem["dice_slices_mean"]] == pytest.approx([0.6, 0.1, 0.3])
    assert [stem["surface_dice_mean"], stem["hd95_median_mm"]] == pytest.approx([0.4, 6])
    assert (line(table, "Chiasm")["n"], line(table, "Chiasm")["note"]) == (0, TOO_FEW)


def test_the_mean_of_organs_is_of_those_with_enough_patients_and_names_the_others() -> None:
    table = organ_table(rows("", BrainStem=[0.5] * 5, Chiasm=[0.1] * 4, Mandible=[0.9] * 6), NAMES)
    mean = line(table, MEAN_OF_ORGANS)
    assert mean["dice_mean"] == pytest.approx(0.7)  # of organs, not of patients
    assert (mean["n"], mean["note"]) == (2, "without Chiasm")
    chiasm = line(table, "Chiasm")
    assert (chiasm["n"], chiasm["note"]) == (4, TOO_FEW)
    assert chiasm.drop(["structure", "centre", "n", "note"]).isna().all()


def test_sources_stand_apart_and_together() -> None:
    both = pd.concat([rows("PDDCA", BrainStem=[0.8] * 5), rows("OpenKBP", BrainStem=[0.4] * 5, Mandible=[0.2])])
    table = organ_table(both, NAMES[:1] + NAMES[2:])
    assert table["centre"].tolist() == ["OpenKBP", "PDDCA", ALL_PATIENTS] * 3
    assert line(table, "BrainStem", ALL_PATIENTS)["dice_mean"] == pytest.approx(0.6)
    assert line(table, "BrainStem", ALL_PATIENTS)["n"] == 10
    assert line(table, "Mandible", "PDDCA")["n"] == 0
    assert line(table, MEAN_OF_ORGANS, "PDDCA")["dice_mean"] == pytest.approx(0.8)


def test_infinite_distances_and_undefined_slices() -> None:
    table = rows("", BrainStem=[0.0, 0.5, 0.6, 0.7, 0.8])
    table.loc[0, "hd95_mm"] = np.inf
    table.loc[0, "dice_slices"] = np.nan
    stem = line(organ_table(table), "BrainStem")
    assert stem["hd95_median_mm"] == pytest.approx(7)
    assert stem["dice_slices_mean"] == pytest.approx(np.mean([0.25, 0.3, 0.35, 0.4]))
    table["hd95_mm"] = np.inf
    assert line(organ_table(table), "BrainStem")["hd95_median_mm"] == np.inf


def test_no_organ_with_enough_patients_and_several_tolerances() -> None:
    few = organ_table(rows("", BrainStem=[0.5]), NAMES)
    assert set(few["note"][:3]) == {TOO_FEW}
    assert few["dice_mean"].isna().all()
    assert line(few, MEAN_OF_ORGANS)["n"] == 0
    mixed = rows("", BrainStem=[0.5] * 5)
    mixed.loc[0, "tolerance_mm"] = 1.0
    assert np.isnan(line(organ_table(mixed), "BrainStem")["tolerance_mm"])


def test_the_text_is_in_per_cent_and_leaves_blank_what_is_not_known() -> None:
    values = rows("", BrainStem=[0.5, 0.6, 0.7, 0.6, 0.6], Chiasm=[0.3])
    lines = [text.split() for text in organ_text(organ_table(values, NAMES)).splitlines()]
    assert lines[1] == ["BrainStem", "5", "60.0", "±", "7.1", "30.0", "±", "3.5", "6.00", "40.0", "±", "7.1", "2.50"]
    assert lines[2] == ["Chiasm", "1", "too", "few"]
    assert lines[4][:5] == ["mean", "of", "1", "organs", "60.0"]
    assert "centre" not in lines[0]
    both = pd.concat([values, rows("PDDCA", BrainStem=[0.8] * 5)])
    assert "(none)" in organ_text(organ_table(both))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (rows("", BrainStem=[0.5]).drop(columns="dice_slices"), "lacks the columns"),
        (rows("", BrainStem=[0.5]).head(0), "no rows"),
        (pd.concat([rows("", BrainStem=[0.5])] * 2), "two rows of one structure"),
    ],
)
def test_bad_tables_are_refused(table, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        organ_table(table)
