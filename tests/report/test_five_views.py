import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.five_methods import METHODS, table1, table2
from hnseg.evaluate.five_patients import intervals, patient_scores, patient_tests
from hnseg.report import five_views as views


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    keys = {
        "fold": np.repeat(["0", "1"], 20),
        "case": np.repeat([f"p{i}" for i in range(8)], 5),
        "slice": [*range(5)] * 8,
    }
    alone = rng.uniform(0.2, 0.6, 40)
    columns = {name: alone + 0.08 * i + rng.normal(0, 0.02, 40) for i, name in enumerate(METHODS)}
    return pd.DataFrame(keys | columns)


def marks(view, row):
    return [getattr(cell, "mark", "") for cell in view.rows[row]]


def texts(view, row):
    return [cell.text for cell in view.rows[row]]


def test_the_largest_median_is_marked_but_not_the_largest_spread(scores):
    view = views.median_view(table1(scores))
    assert view.headings == ("Fold", "Slices", "Patients", *METHODS)
    assert texts(view, 0)[:3] == ["0", "20", "4"]
    assert [marks(view, row) for row in range(3)] == [[""] * 7 + ["best"]] * 3
    assert marks(view, 3) == [""] * 8
    assert texts(view, 2)[-1] == f"{scores['cm1CNN'].median():.3f}"


def test_triangles_are_empty_above_and_have_dashes_for_what_is_missing(scores):
    whole, part = views.triangle_view(table2(scores)), views.triangle_view(table2(scores.drop(columns="rand1CNN")))
    assert [[bool(text) for text in texts(whole, row)] for row in range(4)] == [
        [True] * 5, [True] * 4 + [False], [True] * 3 + [False] * 2, [True] * 2 + [False] * 3,
    ]  # fmt: skip
    assert texts(part, 1) == ["rand1CNN", "–", "–", "–", ""]
    assert texts(part, 0)[-1] == "–"


def test_what_is_not_significant_is_marked():
    table = pd.DataFrame({"method": METHODS[:0:-1], **{name: [0.05, 0.049, 1.0, 2.5e-12] for name in METHODS[:4]}})
    view = views.triangle_view(table)
    assert [marks(view, row)[1] for row in range(4)] == ["weak", "", "weak", ""]
    assert [texts(view, row)[1] for row in range(4)] == ["0.0500", "0.0490", "1.00", "2.50e-12"]
    assert views.p_text(0.0) == "below 1e-300"


def test_tables_of_patients(scores):
    tests = patient_tests(scores.drop(columns="CNNcm"))
    view = views.patient_test_view(tests)
    assert len(view.rows) == 6
    assert texts(view, 0)[:3] == ["cm1CNN", "CNNonly", "8"]
    assert texts(view, 0)[4:6] == ["8", "0"]
    found = tests.set_index(["method", "reference"]).loc[("cm1CNN", "CNNonly"), "median_holm_p"]
    assert texts(views.patient_triangle(tests), 0)[1] == views.p_text(found) == texts(view, 0)[7]
    patients = views.patients_view(patient_scores(scores.drop(columns="CNNcm")))
    assert len(patients.rows) == 8
    assert [patients.rows[0][i].key for i in (0, 5)] == ["p0", ""]
    ends = views.interval_view(intervals(scores))
    assert texts(ends, 0)[3:] == ["", ""]
    assert texts(ends, 4)[3].startswith("+0.3")


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "+0.123"), (-0.0306, "−0.031"), (-0.0001, "0.000"), (0.0, "0.000"), (np.nan, "–")]
)
def test_signs(value, text):
    assert views.signed(value) == text


def test_shares():
    assert [views.percent(share) for share in (0, 0.004, 0.5, 1)] == ["0 %", "0.4 %", "50 %", "100 %"]
