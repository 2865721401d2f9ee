import csv

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from hnseg.survival.objects import Outcome
from hnseg.survival.plan import Plan
from hnseg.survival.scoring import SCORES
from hnseg.survival.statistics import corrected_t_test
from hnseg.survival.submission import write_submission
from hnseg.survival.summary import COLUMNS, summary_rows
from hnseg.survival.tables import (
    arms,
    calibration_rows,
    cell,
    fold_rows,
    group_rows,
    mean_ranks,
    outcome_rows,
)
from tests.survival.cohorts import toy

OUTCOME = Outcome(tuple("abcdef"), np.array([1, 0, 1, 1, 0, 1], bool), np.array([10.0, 20, 30, 40, 50, 60]))


def piece(fold, patients, risk, protocol="honest", features="clinical", repeat=0, model="cox", c_index=0.5, cut=0.0):
    scores = dict.fromkeys(SCORES, 0.25) | {"c_index": c_index, "auc": None}
    made = {"risk": risk, "survival": [1 - r / 10 for r in risk], "median_train_risk": cut, "scores": scores}
    made |= {"parameters": {"penalizer": 0.1, "a": 1}, "note": "did not converge"}
    place = {"protocol": protocol, "features": features, "repeat": repeat, "fold": fold}
    sizes = {"n_train": 6 - len(patients), "n_test": len(patients), "patients": list(patients)}
    return place | sizes | {"models": {model: made}, "failed": {}, "selected": [["age", 0.5], ["hpv", None]]}


PIECES = [
    piece("0", "abc", [3.0, 2.0, 1.0], c_index=0.8, cut=1.5),
    piece("1", "def", [1.0, 3.0, 2.0], c_index=0.6, cut=1.5),
    piece("0", "abc", [3.0, 3.0, 5.0], protocol="paper", c_index=0.9),
    piece("0", "abc", [1.0, 1.0, 1.0], features="ct", c_index=0.5),
]


def test_what_is_not_known_is_an_empty_cell():
    assert [cell(value) for value in (np.nan, np.inf, np.float64(0.5), np.int64(3), "x", None)] == [
        *(None, None, 0.5, 3, "x", None)
    ]


def test_outcomes_are_of_everybody_with_their_centre():
    rows = outcome_rows(toy(6))
    assert list(rows[0]) == ["patient", "centre", "event", "time_days"]
    assert [row["centre"] for row in rows] == list("ABCDEA")
    assert {row["event"] for row in rows} <= {0, 1}


def test_rows_of_folds_say_all_that_was_found():
    tables = fold_rows(PIECES, OUTCOME)
    assert tables["risks"][4] == {
        "protocol": "honest", "model": "cox", "features": "clinical", "repeat": 0, "fold": "1", "patient": "e",
        "risk": 3.0, "survival": 0.7,
    }  # fmt: skip
    assert tables["scores"][1] == {
        "protocol": "honest", "model": "cox", "features": "clinical", "repeat": 0, "fold": "1", "n_train": 3,
        "n_test": 3, "events": 2, "c_index": 0.6, "uno_c": 0.25, "auc": None, "ibs": 0.25, "ibs_reference": 0.25,
        "selected": 2, "parameters": '{"a":1,"penalizer":0.1}', "note": "did not converge",
    }  # fmt: skip
    assert [(row["feature"], row["value"]) for row in tables["selected"][:2]] == [("age", 0.5), ("hpv", None)]
    assert [len(tables[name]) for name in ("risks", "scores", "selected")] == [12, 4, 8]


def test_groups_are_cut_at_the_training_patients_median_and_honest_alone():
    tables = group_rows(arms(PIECES, OUTCOME), OUTCOME)
    assert [(row["features"], row["n_low"], row["n_high"]) for row in tables["log_rank"]] == [
        ("clinical", 2, 4),  # c and d are not above 1.5
        ("ct", 0, 3),
    ]
    curve = [row for row in tables["kaplan_meier"] if row["features"] == "clinical" and row["group"] == "low"]
    lifelines = KaplanMeierFitter().fit([30, 40], [1, 1])
    assert [row["survival"] for row in curve] == lifelines.survival_function_.iloc[:, 0].tolist()
    assert [row["at_risk"] for row in curve] == [2, 2, 1]


def test_risks_are_ranked_within_folds_before_they_are_averaged_over_repeats():
    again = [*PIECES, piece("x", "fedcba", [6.0, 5, 4, 3, 2, 1], repeat=1)]
    ranks = mean_ranks(again)
    once, twice = np.array([5, 3, 1, 1, 5, 3]) / 6, np.arange(1, 12, 2) / 12
    assert ranks["cox", "clinical"] == pytest.approx(dict(zip("abcdef", (once + twice) / 2, strict=True)))
    assert ranks["cox", "ct"] == dict.fromkeys("abc", 0.5)  # the same risk
    assert set(ranks) == {("cox", "clinical"), ("cox", "ct")}
    scaled = [piece("0", "abc", [3e6, 2e6, 1e6]), *again[1:]]
    assert mean_ranks(scaled) == ranks


def test_calibration_is_of_predictions_averaged_over_repeats_and_honest_alone():
    again = [*PIECES, piece("x", "fedcba", [6.0, 5, 4, 3, 2, 1], repeat=1)]
    (row, *others) = calibration_rows(again, OUTCOME, 35.0)
    assert (row["n"], row["predicted"]) == (6, pytest.approx(1 - 16.5 / 60))
    assert row["observed"] == pytest.approx((5 / 6) * (3 / 4))
    assert [other["features"] for other in others] == ["ct"]


def test_the_summary_is_of_folds_and_tested_against_the_reference():
    plan = Plan(("cox",), ("clinical", "ct"), bootstrap_resamples=50, published={("cox", "ct"): 0.68})
    pieces = [*PIECES, piece("1", "def", [1.0, 2.0, 3.0], features="ct", c_index=0.3)]
    clinical, paper, ct = summary_rows(fold_rows(pieces, OUTCOME)["scores"], arms(pieces, OUTCOME), plan)
    assert set(clinical) == set(COLUMNS)
    assert (clinical["folds"], clinical["c_index"], clinical["uno_c"], clinical["auc"]) == (
        2,
        pytest.approx(0.7),
        0.25,
        None,
    )
    assert clinical["sd"] == pytest.approx(np.std([0.8, 0.6], ddof=1))
    assert clinical["low"] <= clinical["high"]
    assert (clinical["reference"], clinical["p"], clinical["published"], clinical["selected"]) == ("", None, None, 2)
    assert (paper["protocol"], paper["folds"], paper["sd"]) == ("paper", 1, None)
    assert (ct["reference"], ct["difference"], ct["published"]) == ("clinical", pytest.approx(-0.3), 0.68)
    assert ct["p"] == pytest.approx(0.0, abs=1e-9)  # -0.3 in both folds


DIFFERENCES = (0.05, 0.02, 0.04)


def compared(repeats, change=0.0, deal=lambda _repeat: ("ab", "cd", "ef")):
    """The row of ``ct``, which is better by DIFFERENCES in three folds; repeats go ``change`` up and down."""
    pieces = [
        piece(str(fold), patients, [1.0, 2.0], "honest", features, repeat, c_index=c_index)
        for repeat in range(repeats)
        for fold, patients in enumerate(deal(repeat))
        for features, c_index in (
            ("clinical", 0.6),
            ("ct", 0.6 + DIFFERENCES[fold] + change * (-1) ** repeat),
        )
    ]
    plan = Plan(("cox",), ("clinical", "ct"), bootstrap_resamples=5)
    return summary_rows(fold_rows(pieces, OUTCOME)["scores"], arms(pieces, OUTCOME), plan)[1]


def test_the_same_folds_again_are_no_further_evidence():
    once = compared(1)
    assert once["p"] == pytest.approx(corrected_t_test(DIFFERENCES, 4, 2).p)
    for again in (compared(5), compared(2, change=0.03)):
        assert (again["p"], again["difference"]) == (pytest.approx(once["p"]), pytest.approx(once["difference"]))


def test_repeats_with_other_folds_count_each():
    other = compared(2, deal=lambda repeat: ("ab", "cd", "ef") if repeat else ("ac", "bd", "ef"))
    differences = [0.05, 0.02, 0.04, 0.05, 0.02]  # both repeats have the fold ef
    assert other["p"] == pytest.approx(corrected_t_test(differences, 4, 2).p)


def test_a_set_is_tested_on_the_folds_that_both_have():
    plan = Plan(("cox",), ("clinical", "ct"), bootstrap_resamples=5)
    rows = summary_rows(fold_rows(PIECES, OUTCOME)["scores"], arms(PIECES, OUTCOME), plan)
    assert (rows[2]["folds"], rows[2]["difference"], rows[2]["p"]) == (1, pytest.approx(-0.3), None)
    alone = PIECES[3:]
    (row,) = summary_rows(fold_rows(alone, OUTCOME)["scores"], arms(alone, OUTCOME), plan)
    assert (row["reference"], row["difference"]) == ("", None)


def test_risks_in_the_challenges_format(tmp_path):
    write_submission(tmp_path / "r" / "cox+clinical.csv", {"CHUM-001": 1.5, "CHUM-002": -0.25})
    with (tmp_path / "r" / "cox+clinical.csv").open() as file:
        assert list(csv.reader(file)) == [["PatientID", "Prediction"], ["CHUM-001", "1.5"], ["CHUM-002", "-0.25"]]
