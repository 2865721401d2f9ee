import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hnseg.survival.clinical import read_mapping, shipped_mappings
from hnseg.survival.clinical.mapping import Column
from hnseg.survival.clinical.variables import VARIABLES

SHIPPED = ("head_neck_pet_ct", "hecktor2021", "hecktor2022", "hecktor2025", "hnscc_mdacc", "synthetic_hn")
GOOD = """
patient: [Name, ID]
centre: {pattern: "^([A-Z]+)"}
missing: [lost, "-9"]
variables:
  age: {column: Age (months), unit: months}
  gender: {column: sex, values: {1: male, 2.0: female, 9: unknown}}
  hpv: p16
  tnm_edition: {constant: 8}
  surgery: {column: op, values: {no: no, yes: yes}, optional: true}
endpoints:
  death: {event: {column: dead, values: {gone: 1, here: 0}}, time: {column: time, unit: years}}
  relapse: {event: again, time: {event: t1, censored: t2, unit: 30}, leave_out_events_without_time: true}
"""


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_shipped_mapping_parses_and_its_variables_are_known():
    assert shipped_mappings() == SHIPPED
    for name in SHIPPED:
        mapping = read_mapping(name)
        assert set(mapping.variables) <= set(VARIABLES)
        assert mapping.endpoints
        assert (mapping.centre is None) or (mapping.centre_pattern is None)


def test_the_example_of_the_documentation_is_a_mapping(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "datasets" / "clinical_tables.md").read_text(encoding="utf-8")
    example = page.split("## A mapping of your own")[1].split("Save it as")[0]
    mapping = read_mapping(written(tmp_path, textwrap.dedent(example)))
    assert list(mapping.endpoints) == ["overall_survival", "distant_failure"]
    assert all(name in page for name in (*SHIPPED, *VARIABLES))


def test_a_users_mapping_says_all_of_this(tmp_path):
    mapping = read_mapping(written(tmp_path, GOOD))
    assert mapping.patient.names == ("Name", "ID")
    assert mapping.centre_pattern.search("CHUM-001").group(1) == "CHUM"
    assert {"lost", "-9", "n/a", ""} <= mapping.missing
    assert mapping.variables["age"] == Column(("Age (months)",), factor=1 / 12)
    assert mapping.variables["gender"].values == {"1": "male", "2": "female", "9": "unknown"}
    assert mapping.variables["hpv"] == Column(("p16",))
    assert mapping.variables["tnm_edition"] == Column(constant="8")
    assert mapping.variables["surgery"].values == {"no": "no", "yes": "yes"}  # words, not YAML's false and true
    assert mapping.variables["surgery"].optional
    assert mapping.endpoint("death").event_time == mapping.endpoint("death").censored_time
    assert mapping.endpoint("death").event_time.factor == 365.25
    relapse = mapping.endpoint("relapse")
    assert (relapse.event_time, relapse.censored_time) == (Column(("t1",), factor=30), Column(("t2",), factor=30))
    assert relapse.leave_out_events_without_time


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("variables:", "variable:", "no key 'variable'; did you mean 'variables'"),
        ("  hpv: p16", "  hpw: p16", "no key 'hpw'; did you mean 'hpv'"),
        ("unit: months", "unit: month", "age: no unit 'month'; did you mean 'months'"),
        ("unit: years", "unit: -2", "no unit '-2'.*'days', 'weeks', 'months', 'years'"),
        ("hpv: p16", "hpv: {column: p16, unit: days}", "hpv: no unit 'days'; There are none"),
        ("column: sex", "colum: sex", "gender: no key 'colum'; did you mean 'column'"),
        ("1: male", "1: man", "gender: expected one of male, m, female, f, found 'man'"),
        ("constant: 8", "constant: 9", "tnm_edition: expected one of 7, 8"),
        ("{constant: 8}", "{constant: 8, column: x}", "expected either column or constant"),
        ("{constant: 8}", "{values: {a: b}}", "expected either column or constant"),
        ("gone: 1", "gone: dead", "death, event: expected one of 1, 0"),
        ("2.0: female", "1.0: female", "two values are the same"),
        ("hpv: p16", "hpv: p16\n  hpv: p17", "a key is there twice"),
        ("hpv: p16", "hpv: []", "expected the name of a column"),
        ("hpv: p16", "hpv:", "expected the name of a column"),
        ("hpv: p16", "hpv: [[a]]", "expected a word"),
        ("optional: true", "optional: sure", "expected true or false"),
        ("([A-Z]+)", "([A-Z+", "no regular expression"),
        ("([A-Z]+)", "[A-Z]+", "expected one group"),
        ("event: again, ", "", "relapse: expected event and time, found time"),
        ("[Name, ID]", "", "patient: expected the name of a column"),
        ("patient: [Name, ID]", "", "patient: expected the name of a column"),
        (GOOD, "- a\n- b", "the file: expected keys with values"),
        (GOOD, "", "the file: expected keys with values"),
        (GOOD, "{a: ", "expected a mapping in YAML"),
        (GOOD, "!!python/object/apply:os.system [echo]", "the file: expected keys"),
        (GOOD, "? [a, b]\n: c", "no text"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(tmp_path, old, new, said):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ValueError, match=said) as raised:
        read_mapping(path)
    assert str(path) in str(raised.value)


def test_names_that_there_are_not(tmp_path):
    with pytest.raises(ValueError, match=r"no name .*'hecktor2012'; did you mean 'hecktor20"):
        read_mapping("hecktor2012")
    with pytest.raises(ValueError, match=r"no name .*'\.\./hecktor2021'"):
        read_mapping("../hecktor2021")
    with pytest.raises(ValueError, match=r"absent.yaml: expected a mapping"):
        read_mapping(tmp_path / "absent.yaml")
    with pytest.raises(ValueError, match="no endpoint 'overall_survivl'; did you mean 'overall_survival'"):
        read_mapping("hnscc_mdacc").endpoint("overall_survivl")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["column", "age", "values"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["patient", "centre", "pattern", "missing", "variables", "endpoints", "age", "hpv", "column", "values", "unit",
         "event", "time", "censored", "constant", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(PLAIN)
def test_any_yaml_is_a_mapping_or_a_sentence(tmp_path_factory, plain):
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")
    with suppress(ValueError):
        read_mapping(path)


def test_aliases_and_files_that_are_no_mappings_are_refused(tmp_path):
    laugh = tmp_path / "laugh.yaml"
    laugh.write_text("a: &a [x, x]\npatient: [*a, *a]\n")
    with pytest.raises(ValueError, match="aliases"):
        read_mapping(laugh)
    large = tmp_path / "large.yaml"
    large.write_text("#" * 300_000)
    with pytest.raises(ValueError, match="this is no mapping"):
        read_mapping(large)
