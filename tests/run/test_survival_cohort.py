"""Whom an analysis of outcomes is about, and into which folds they are dealt."""

from pathlib import Path

import pytest

from hnseg.data import KFold, LeaveOneCentreOut
from hnseg.prepare import Failure
from hnseg.run.survival import feature_sets, grouped
from hnseg.run.survival_cohort import TablePatient, deal_folds, split_of, table_cohort

PATIENTS = [TablePatient(f"{centre}{number:03d}", centre) for centre in ("CHGJ", "CHUM", "CHUS") for number in range(8)]
NAMES = [patient.case_id for patient in PATIENTS]

MAPPING = """
patient: name
centre: {pattern: "^([A-Z]+)"}
variables: {age: years, hpv: p16}
endpoints:
  survival: {event: dead, time: days}
  relapse: {event: back, time: days}
"""


def configuration(tmp_path: Path, **changed: object) -> dict:
    (tmp_path / "mine.yaml").write_text(MAPPING)
    rows = [
        f"{name},{40 + number},{number % 2},{number % 3 == 0:d},0,{100 + number}" for number, name in enumerate(NAMES)
    ]
    rows[4] = rows[4].rsplit(",", 1)[0] + ","  # no time
    (tmp_path / "table.csv").write_text("\n".join(["name,years,p16,dead,back,days", *rows]) + "\n")
    plain = {
        "table": str(tmp_path / "table.csv"),
        "mapping": str(tmp_path / "mine.yaml"),
        "endpoints": None,
        "split": {"_target_": "hnseg.data.KFold", "fold": 0, "folds": 3, "seed": 5},
        "survival": {"endpoint": None, "repeats": 2, "feature_sets": None},
    }
    return {**plain, **changed}


def test_folds_are_those_of_all_patients_without_those_whose_outcome_is_not_known() -> None:
    split, cohort = KFold(folds=4, seed=2), [name for name in NAMES if name not in ("CHGJ001", "CHUM004")]
    whole, some = deal_folds(split, PATIENTS, NAMES), deal_folds(split, PATIENTS, cohort)
    for full, cut in zip(whole, some, strict=True):
        assert set(cut.test) == set(full.test) & set(cohort)
        assert set(cut.train) == set(full.train) & set(cohort)
        assert set(cut.train) | set(cut.test) == set(cohort)
    assert sorted(name for fold in some for name in fold.test) == sorted(cohort)


def test_a_fold_that_tests_nobody_and_a_split_without_folds_are_refused() -> None:
    split = LeaveOneCentreOut("")
    assert [fold.name for fold in deal_folds(split, PATIENTS, NAMES)] == ["CHGJ", "CHUM", "CHUS"]
    with pytest.raises(ValueError, match="fold CHUS tests nobody whose outcome is known"):
        deal_folds(split, PATIENTS, [name for name in NAMES if not name.startswith("CHUS")])
    with pytest.raises(ValueError, match="object does not say what its folds are; use split=leave_one_centre_out"):
        deal_folds(object(), PATIENTS, NAMES)


def test_a_repeat_draws_other_folds_where_they_are_drawn() -> None:
    plain = {"split": {"_target_": "hnseg.data.KFold", "folds": 3, "seed": 7}}
    first, again, second = (deal_folds(split_of(plain, repeat), PATIENTS, NAMES) for repeat in (0, 0, 1))
    assert first == again != second


def test_the_cohort_of_a_table(tmp_path: Path) -> None:
    cohort = table_cohort(configuration(tmp_path))
    assert cohort.endpoint == "survival"
    assert len(cohort.data.outcome) == len(NAMES) - 1
    assert list(cohort.data.blocks) == ["clinical"]
    assert list(cohort.data.blocks["clinical"].index) == list(cohort.data.patients)
    assert cohort.data.centres["CHUM000"] == "CHUM"
    assert [failure.case_id for failure in cohort.left_out] == [NAMES[4]]
    assert not cohort.failed
    assert cohort.folds[0] != cohort.folds[1]
    assert not cohort.data.phantom


def test_another_endpoint_and_what_a_table_needs(tmp_path: Path) -> None:
    plain = configuration(tmp_path, survival={"endpoint": "relapse", "repeats": 1, "feature_sets": None})
    assert not table_cohort(plain).data.outcome.event.any()
    with pytest.raises(ValueError, match="did you mean 'relapse'"):
        table_cohort(configuration(tmp_path, survival={"endpoint": "relaps", "repeats": 1, "feature_sets": None}))
    with pytest.raises(ValueError, match=r"table=.* needs mapping="):
        table_cohort(configuration(tmp_path, mapping=None))


def test_the_papers_sets_that_the_data_can_have(tmp_path: Path) -> None:
    cohort = table_cohort(configuration(tmp_path))
    assert feature_sets(None, cohort) == ("clinical",)
    assert feature_sets(["clinical+ct"], cohort) == ("clinical+ct",)


def test_patients_who_are_left_out_for_one_reason_stand_together() -> None:
    failures = [
        Failure("A", "t.csv, line 2: no relapse"),
        Failure("B", "t.csv, line 9: no relapse"),
        Failure("C", "why"),
    ]
    assert grouped(failures) == [{"what": "A, B", "why": "no relapse"}, {"what": "C", "why": "why"}]
