from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnseg.io.tables import write_rows
from hnseg.phantom.cohort import members
from hnseg.phantom.tables import info_2021, info_2022, info_2025
from hnseg.prepare.hecktor import centre_of
from hnseg.survival.clinical import ClinicalRecord, encode, read_clinical, read_endpoint, read_mapping
from hnseg.survival.clinical.variables import VARIABLES

MAPPING = """
patient: id
centre: {column: hospital}
missing: [lost]
variables:
  age: {column: months, unit: months}
  weight_kg: {column: [kg, weight], optional: true}
  gender: {column: sex, values: {1: male, 2: female}}
  hpv: p16
  tnm_edition: edition
  n_stage: {column: n, values: {n3c: N3b, n9: unknown}}
  site: {constant: larynx}
endpoints:
  death: {event: dead, time: days}
"""
HEAD = "id,hospital,months,sex,p16,edition,n,dead,days"


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(MAPPING)
    return read_mapping(path)


def table(tmp_path, *lines, head=HEAD, name="table.csv"):
    path = tmp_path / name
    path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    return path


def test_cells_become_values_and_gaps_stay_gaps(tmp_path, mapping):
    path = table(
        tmp_path, "A,North,780,1,positive,8,N3c,0,10", "B,lost,N/A,2,unknown,,n9,1,5", "C,,600,Male,-,7.0,2B,,"
    )
    found = read_clinical(path, mapping)
    assert found.records == (
        ClinicalRecord("A", "North", 65, gender="male", hpv=True, tnm_edition=8, n_stage="N3b", site="larynx"),
        ClinicalRecord("B", "", gender="female", site="larynx"),
        ClinicalRecord("C", "", 50, gender="male", hpv=False, tnm_edition=7, n_stage="N2b", site="larynx"),
    )
    assert found.variables == ("age", "gender", "hpv", "tnm_edition", "n_stage", "site")  # no weight: it is optional
    assert (found.patients, found.centres) == (("A", "B", "C"), {"A": "North", "B": "", "C": ""})
    assert found.of(["C", "A"]).patients == ("C", "A")


def test_the_first_spelling_that_a_table_has_is_read(tmp_path, mapping):
    path = table(tmp_path, "A,,780,1,+,7,N0,0,1,70", head=f"{HEAD},weight")
    assert read_clinical(path, mapping).records[0].weight_kg == 70


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("B,,xx,1,+,7,N0,0,1", r"table.csv, line 3, patient B: column 'months': expected a number, found 'xx'"),
        ("B,,7800,1,+,7,N0,0,1", "column 'months': expected 0 to 120 years, found '7800'"),
        ("B,,780,3,+,7,N0,0,1", "column 'sex': expected one of male.*or of the mapping's '1', '2', found '3'"),
        ("B,,780,1,maybe,7,N0,0,1", "line 3, patient B: column 'p16'.*found 'maybe'.*the mapping's values"),
        ("B,,780,1,+,6,N0,0,1", "column 'edition': expected one of 7, 8"),
        ("B,,780,1,+,7,N4,0,1", "column 'n': expected one of N0.*N3b, Nx"),
        ("B,,780,1,+,7,N3a,0,1", "line 3, patient B: n_stage: edition 7 has no N3a"),
        ("A,,780,1,+,7,N0,0,1", "line 3: id 'A' was there on line 2"),
        (",,780,1,+,7,N0,0,1", "line 3: expected a name"),
    ],
)
def test_a_bad_row_is_named(tmp_path, mapping, line, said):
    path = table(tmp_path, "A,,780,1,+,7,N0,0,1", line)
    with pytest.raises(ValueError, match=said):
        read_clinical(path, mapping)


def test_files_are_read_one_below_the_other_and_share_no_patient(tmp_path, mapping):
    first = table(tmp_path, "A,,780,1,+,7,N0,0,1", name="first.csv")
    second = table(tmp_path, "B,,780,1,+,7,N0,0,1", name="second.csv")
    assert read_clinical([first, second], mapping).patients == ("A", "B")
    third = table(tmp_path, "C,,780,1,+,7,N0,0,1", "A,,780,1,+,7,N0,0,1", name="third.csv")
    with pytest.raises(ValueError, match=r"third.csv, line 3: patient A was there on line 2 of .*first.csv"):
        read_clinical([first, third], mapping)


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path, mapping):
    path = table(tmp_path, "A,,780,1,+,7,N0,0,1", head=HEAD.replace("p16", "P16_"))
    with pytest.raises(ValueError, match=r"mine.yaml, hpv\): no column 'p16'; There are 'id'"):
        read_clinical(path, mapping)
    path = table(tmp_path, "A,,780,1,+,7,N0,0,1", head=HEAD.replace("months", "month"))
    with pytest.raises(ValueError, match="no column 'months'; did you mean 'month'"):
        read_clinical(path, mapping)
    with pytest.raises(ValueError, match="at least one row"):
        read_clinical(table(tmp_path), mapping)


def expected(plan, row):
    """A record from the plan and from which cells of the row are empty, without any mapping."""
    known = plan.clinical
    filled = {name for name, cell in row.items() if cell != ""}

    def where(column, value):
        return value if column in filled else None

    return known, where


@pytest.mark.parametrize(("year", "row_of"), [(2021, info_2021), (2022, info_2022), (2025, info_2025)])
def test_phantom_tables_come_back_as_they_were_planned(tmp_path, year, row_of):
    plans = [member.plan(5) for member in members(year, 40)[0]]
    rows = [row_of(plan) for plan in plans]
    write_rows(tmp_path / "info.csv", rows)
    found = read_clinical(tmp_path / "info.csv", read_mapping(f"hecktor{year}"))
    tobacco = "Tobacco Consumption" if year == 2025 else "Tobacco"
    for record, plan, row in zip(found.records, plans, rows, strict=True):
        known, where = expected(plan, row)
        assert record.patient == plan.case_id
        assert record.centre == centre_of(plan.case_id) == plan.centre.code
        assert record.age == known["age"]
        assert record.gender == ("male" if known["male"] else "female")
        assert record.chemotherapy is known["chemotherapy"]
        assert record.tobacco is where(tobacco, known["smoker"])
        assert record.performance_status == where(
            next(c for c in row if c.lower() == "performance status"), known["performance"]
        )
        assert record.alcohol is where(next(c for c in row if c.startswith("Alcohol")), known["drinker"])
        if year == 2025:
            assert record.m_stage == known["m_stage"]
        else:
            assert record.hpv is where("HPV status (0=-, 1=+)", known["hpv"])
            weight = "Weight" if year == 2022 else "Estimated weight (kg) for SUV"
            assert record.weight_kg == where(weight, known["weight_kg"])
        if year == 2022:
            assert record.surgery is known["surgery"]
        if year == 2021:
            stage = (record.tnm_edition, record.t_stage, record.n_stage, record.m_stage, f"Stage {record.tnm_group}")
            assert stage == (7, *(known[name] for name in ("t_stage", "n_stage", "m_stage", "tnm_group")))
    assert sum(record.tobacco is None for record in found.records) > 5  # there were gaps to keep


CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", "1", "0", "8", "7", "N3b", "Tx", "positive", "780", "male", "1,234", "nan", "-5", "1e400", "٣"]
    ),
    st.floats().map(str),
)


@settings(max_examples=60)
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), min_size=1, max_size=3))
def test_random_cells_are_read_or_refused_with_a_sentence(tmp_path_factory, rows):
    base = tmp_path_factory.getbasetemp()
    (base / "fuzz.yaml").write_text(MAPPING)
    mapping = read_mapping(base / "fuzz.yaml")
    write_rows(
        base / "fuzz.csv", [dict(zip(HEAD.split(","), (f"P{i}", *cells), strict=True)) for i, cells in enumerate(rows)]
    )
    with suppress(ValueError):
        encode(read_clinical(base / "fuzz.csv", mapping))
    with suppress(ValueError):
        outcome = read_endpoint(base / "fuzz.csv", mapping, "death").outcome
        assert (outcome.time_days > 0).all()


@given(st.sampled_from(sorted(VARIABLES)), CELLS)
def test_random_cells_of_every_variable(variable, cell):
    with suppress(ValueError):
        VARIABLES[variable].value(cell)
