import numpy as np
import pytest

from hnseg.io.tables import write_rows
from hnseg.phantom.cohort import members
from hnseg.phantom.tables import endpoint_2021, endpoint_2022, relapse_2025
from hnseg.survival.clinical import (
    ClinicalRecord,
    ClinicalTable,
    match,
    read_endpoint,
    read_mapping,
)

MAPPING = """
patient: id
endpoints:
  death: {event: dead, time: {column: months, unit: months}}
  relapse: {event: back, time: {event: when, censored: seen}}
  lenient: {event: back, time: {event: when, censored: seen}, leave_out_events_without_time: true}
"""
HEAD = "id,dead,months,back,when,seen"


@pytest.fixture
def mapping(tmp_path):
    (tmp_path / "mine.yaml").write_text(MAPPING)
    return read_mapping(tmp_path / "mine.yaml")


def table(tmp_path, *lines):
    path = tmp_path / "table.csv"
    path.write_text("\n".join((HEAD, *lines)) + "\n")
    return path


def test_time_is_in_days(tmp_path, mapping):
    outcome = read_endpoint(table(tmp_path, "A,1,12,,,", 'B,no,"0,5",,,'), mapping, "death").outcome
    assert outcome.patients == ("A", "B")
    assert outcome.event.tolist() == [True, False]
    np.testing.assert_allclose(outcome.time_days, [365.25, 15.21875])


def test_the_events_own_time_counts_where_it_happened_and_the_last_follow_up_where_not(tmp_path, mapping):
    outcome = read_endpoint(table(tmp_path, "A,,,1,100,900", "B,,,0,,800", "C,,,0,50,700"), mapping, "relapse").outcome
    assert outcome.time_days.tolist() == [100, 800, 700]
    assert outcome.event.tolist() == [True, False, False]


def test_who_has_no_endpoint_is_left_out_by_name(tmp_path, mapping):
    path = table(tmp_path, "A,1,12,,,", "B,,12,,,", "C,0,,,,", "D,N/A,N/A,,,")
    found = read_endpoint(path, mapping, "death")
    assert found.outcome.patients == ("A",)
    assert [failure.case_id for failure in found.left_out] == ["B", "C", "D"]
    assert "line 3: no death in column 'dead'" in found.left_out[0].message
    assert "line 4: no time of death in column 'months'" in found.left_out[1].message


def test_an_event_without_time_stops_unless_the_mapping_leaves_it_out(tmp_path, mapping):
    path = table(tmp_path, "A,,,1,,900", "B,,,0,,800")
    with pytest.raises(ValueError, match="line 2, patient A: relapse happened, and column 'when' does not say when"):
        read_endpoint(path, mapping, "relapse")
    found = read_endpoint(path, mapping, "lenient")
    assert (found.outcome.patients, [failure.case_id for failure in found.left_out]) == (("B",), ["A"])


@pytest.mark.parametrize(
    ("line", "said"),
    [("B,0,0,,,", "patient B: column 'months': expected a time above 0, found 0 days"), ("B,0,-3,,,", "above 0"),
     ("B,0,inf,,,", "'months': expected a number, found 'inf'"),
     ("B,0,1e999,,,", "finite"), ("B,2,3,,,", "column 'dead'"),
     ("A,0,3,,,", "was there on line 2")],
)  # fmt: skip
def test_impossible_cells_are_named(tmp_path, mapping, line, said):
    with pytest.raises(ValueError, match=said):
        read_endpoint(table(tmp_path, "A,1,12,,,", line), mapping, "death")


def test_a_file_in_which_nobody_has_the_endpoint(tmp_path, mapping):
    with pytest.raises(ValueError, match="nobody has the endpoint death"):
        read_endpoint(table(tmp_path, "A,,,,,"), mapping, "death")


def test_whoever_is_in_one_file_alone_is_said(tmp_path, mapping):
    endpoint = read_endpoint(table(tmp_path, "A,1,12,,,", "B,0,9,,,", "X,0,9,,,", "C,,,,,"), mapping, "death")
    both = match(ClinicalTable(tuple(map(ClinicalRecord, "TBCA")), ()), endpoint)
    assert both.table.patients == both.outcome.patients == ("B", "A")
    assert both.outcome.time_days[1] == 365.25
    assert [(failure.case_id, failure.message) for failure in both.left_out[1:]] == [
        ("T", "is in the clinical table and not among the endpoints"),
        ("X", "has an endpoint and no row in the clinical table"),
    ]
    assert both.left_out[0].case_id == "C"  # once, with the reason that the endpoints' file gives
    with pytest.raises(ValueError, match=r"such as A.*such as T.*name patients alike"):
        match(ClinicalTable((ClinicalRecord("T"),), ()), endpoint)


@pytest.mark.parametrize(
    ("year", "row_of", "name"),
    [(2021, endpoint_2021, "progression_free_survival"), (2022, endpoint_2022, "recurrence_free_survival"),
     (2025, relapse_2025, "recurrence_free_survival")],
)  # fmt: skip
def test_phantom_endpoints_come_back_as_they_were_planned(tmp_path, year, row_of, name):
    plans = [member.plan(6) for member in members(year, 20)[0]]
    write_rows(tmp_path / "end.csv", [row_of(plan) for plan in plans])
    found = read_endpoint(tmp_path / "end.csv", read_mapping(f"hecktor{year}"), name)
    assert not found.left_out
    assert found.outcome.patients == tuple(plan.case_id for plan in plans)
    assert found.outcome.event.tolist() == [plan.clinical["progression"] for plan in plans]
    assert found.outcome.time_days.tolist() == [plan.clinical["pfs_days"] for plan in plans]
