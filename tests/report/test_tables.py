import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.summary import summarise
from hnseg.report.tables import case_table, centre_table, heading, interval, mean_and_spread, number

CASES = pd.DataFrame(
    {
        "case": ["a", "b", "c", "d"],
        "centre": ["CHUS", "CHUS", "CHUV", "CHUV"],
        "structure": ["GTVp"] * 4,
        "dice": [0.5, 0.7, 0.8, 0.9],
        "precision": [0.5, np.nan, 0.8, 0.9],
        "recall": [0.6] * 4,
        "volume_mm3": [12345, 0, 1000, 1000],
        "hd95_mm": [1.0, np.inf, 3.0, 4.0],
        "lesions_hit": [1, 0, 1, 1],
        "phantom": ["False"] * 4,
    }
)


def texts(view):
    return [[cell.text for cell in row] for row in view.rows]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("dice", 0.7446, "0.745"),
        ("hd95_mm", 3.04, "3.0"),
        ("volume_mm3", 12345.0, "12.3"),
        ("hd95_mm", np.inf, "∞"),
        ("dice", np.nan, "–"),
    ],
)
def test_numbers_by_their_unit(name, value, text):
    assert number(name, value) == text


def test_mean_and_interval_as_in_papers():
    assert mean_and_spread("dice", 0.744, 0.206) == "0.744 ± 0.206"
    assert mean_and_spread("dice", 0.744, np.nan) == "0.744"
    assert interval("dice", 0.7, 0.79) == "0.700 to 0.790"
    assert interval("dice", np.nan, 0.79) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hd95_mm", "HD95 (mm)"),
        ("hd95_surface_mm", "HD95 surface (mm)"),
        ("assd_mm", "Assd (mm)"),
        ("volume_mm3", "Volume (mL)"),
        ("lesions_hit", "Lesions hit"),
    ],
)
def test_headings(name, text):
    assert heading(name) == text


def test_cases_show_the_usual_first_and_no_constant_names():
    view = case_table(CASES)
    assert view.headings[: view.essential] == (
        "Patient", "Centre", "Dice", "Precision", "Recall", "HD95 (mm)", "Volume (mL)",
    )  # fmt: skip
    assert view.headings[view.essential :] == ("Lesions hit",)
    assert texts(view)[0] == ["a", "CHUS", "0.500", "0.500", "0.600", "1.0", "12.3", "1"]


def test_sorting_keys_keep_full_precision_and_undefined_last():
    keys = [cell.key for cell in case_table(CASES).rows[1]]
    assert keys == ["b", "CHUS", "0.7", "", "0.6", "Infinity", "0.0", "0.0"]


def test_table_by_centre_has_the_summarys_numbers():
    rows = texts(centre_table(summarise(CASES)))
    assert [row[:3] for row in rows] == [
        ["CHUS", "2", "0.600 ± 0.141"],
        ["CHUV", "2", "0.850 ± 0.071"],
        ["all patients", "4", "0.725 ± 0.171"],
        ["mean of centres", "4", "0.725 ± 0.177"],
    ]
    assert centre_table(summarise(CASES)).strong_rows == {2, 3}
    assert rows[1][3] == "0.800 to 0.900"


def test_a_single_centre_is_said_once():
    view = centre_table(summarise(CASES.assign(centre="")))
    assert [row[0] for row in texts(view)] == ["unknown"]
    assert view.strong_rows == frozenset()


def test_one_patient_has_no_interval():
    (row,) = texts(centre_table(summarise(CASES[:1])))
    assert row[1:4] == ["1", "0.500", ""]


def test_two_structures_are_named():
    view = centre_table(summarise(pd.concat([CASES, CASES.assign(structure="GTVn")])))
    assert view.headings[:2] == ("Structure", "Centre")
    assert {row[0] for row in texts(view)} == {"GTVp", "GTVn"}
