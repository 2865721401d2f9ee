import csv
from dataclasses import replace

import pytest

from hnseg.io.phantom_marker import MARKER
from hnseg.phantom.cohort import members
from hnseg.phantom.hazards import HAZARDS, hazards, write_hazards
from hnseg.phantom.hecktor import write_hecktor
from hnseg.phantom.outcome import FOLLOW_UP_DAYS
from hnseg.phantom.plan import null_outcome, plan_patient

OUTCOME = ("log_hazard", "pfs_days", "progression")
INFO, ENDPOINTS = "hecktor2021_patient_info_training.csv", "hecktor2021_patient_endpoint_training.csv"


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_hecktor(tmp_path_factory.mktemp("hazard") / "raw", 2021, 2, 4, test_patients=1, coarse=9.0)


@pytest.fixture(scope="module")
def null_cohort(tmp_path_factory):
    root = tmp_path_factory.mktemp("null") / "raw"
    return write_hecktor(root, 2021, 2, 4, test_patients=1, coarse=9.0, outcome="null")


def test_every_patient_of_both_parts_has_the_planned_hazard(cohort):
    train, test = members(2021, 2, 1)
    assert hazards(cohort) == {m.case_id: m.plan(4).clinical["log_hazard"] for m in (*train, *test)}
    assert hazards(cohort / "hecktor_nii") == hazards(cohort)


def test_only_the_outcome_of_a_null_cohort_differs(cohort, null_cohort):
    assert hazards(null_cohort) == dict.fromkeys(hazards(cohort), 0.0)
    assert (null_cohort / INFO).read_bytes() == (cohort / INFO).read_bytes()
    assert (null_cohort / ENDPOINTS).read_bytes() != (cohort / ENDPOINTS).read_bytes()
    plans = {m.case_id: null_outcome(m.plan(4)).clinical for m in members(2021, 2)[0]}
    for row in rows(null_cohort / ENDPOINTS):
        plan = plans[row["PatientID"]]
        assert int(row["Progression free survival"]) == plan["pfs_days"]
        assert bool(int(row["Progression"])) == plan["progression"]


def test_null_cohorts_have_names_of_their_own(null_cohort):
    write_hecktor(null_cohort, 2021, 2, 4, test_patients=1, coarse=9.0, outcome=None)  # unquoted null in YAML
    with pytest.raises(ValueError, match="different: outcome"):
        write_hecktor(null_cohort, 2021, 2, 4, test_patients=1, coarse=9.0)


@pytest.mark.parametrize(("year", "outcome"), [(2021, "chance"), (2020, "null")])
def test_other_outcomes_are_refused(tmp_path, year, outcome):
    with pytest.raises(ValueError, match="hazard or null"):
        write_hecktor(tmp_path / "raw", year, 1, 0, outcome=outcome)
    assert not (tmp_path / "raw").exists()


def test_a_folder_from_before_the_table_gets_it_and_nothing_else(tmp_path, cohort, monkeypatch):
    kept = {path: path.stat().st_mtime_ns for path in cohort.rglob("*") if path.is_file() and path.name != HAZARDS}
    text = (cohort / HAZARDS).read_bytes()
    (cohort / HAZARDS).unlink()
    assert hazards(cohort) is None
    write_hecktor(cohort, 2021, 2, 4, test_patients=1, coarse=9.0)
    assert (cohort / HAZARDS).read_bytes() == text
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())


def test_what_is_no_phantom_has_no_hazards(tmp_path):
    write_hazards(tmp_path, [plan_patient(0, 0, "CHUM")])
    assert hazards(tmp_path) is None
    (tmp_path / MARKER).touch()
    assert hazards(tmp_path) == {"CHUM001": plan_patient(0, 0, "CHUM").clinical["log_hazard"]}


@pytest.mark.parametrize("cell", ["", "nan", "inf", "high"])
def test_a_spoilt_table_is_refused(tmp_path, cell):
    (tmp_path / MARKER).touch()
    (tmp_path / HAZARDS).write_text(f"PatientID,log_hazard\nA,0.5\nB,{cell}\n")
    with pytest.raises(ValueError, match="line 3: expected a number"):
        hazards(tmp_path)


def test_the_null_outcome_depends_on_nothing_and_follow_up_stays():
    plans = [plan_patient(1, i, "CHUM") for i in range(40)]
    for plan in plans:
        null = null_outcome(plan).clinical
        other = replace(
            plan, lesions=(), clinical={**plan.clinical, "hpv": not plan.clinical["hpv"], "log_hazard": 9.0}
        )
        assert [null_outcome(other).clinical[name] for name in OUTCOME] == [null[name] for name in OUTCOME]
        assert {name for name in null if null[name] != plan.clinical[name]} <= set(OUTCOME)
        if not plan.clinical["progression"] and not null["progression"]:  # censored twice: by the same end of follow-up
            assert plan.clinical["pfs_days"] == null["pfs_days"] >= FOLLOW_UP_DAYS[0]
    assert len({null_outcome(plan).clinical["pfs_days"] for plan in plans}) > 30
