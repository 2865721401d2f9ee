import pytest

from hnseg.survival.clinical.table import ClinicalRecord
from hnseg.survival.clinical.variables import VARIABLES, finite, plain_word


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("65", 65),
        ("65.0", 65),
        ("65,3", 65.3),
        (".5", 0.5),
        ("-2", -2),
        ("1e3", 1000),
        ("0,125", 0.125),
        ("1234,5", 1234.5),
    ],
)
def test_numbers_as_tables_write_them(text, number):
    assert finite(text) == number


@pytest.mark.parametrize("text", ["", "x", "1_000", "nan", "inf", "1e999", "1,2,3", "1.2,3", "6 5", "٣", "--1", "0x10"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="expected a"):
        finite(text)


def test_a_comma_that_may_mark_thousands_is_refused():
    with pytest.raises(ValueError, match="two ways"):
        finite("1,234")  # 1.234 days, or more than three years


@pytest.mark.parametrize(("text", "word"), [(" Chemo  Radiation ", "chemo radiation"), ("1.0", "1"), ("1.50", "1.50")])
def test_words_are_compared_without_capitals_spaces_and_noughts(text, word):
    assert plain_word(text) == word


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [("hpv", "+", True), ("hpv", "-", False), ("surgery", "No", False), ("tobacco", "1.0", True),
     ("gender", "m", "male"), ("performance_status", "2", 2), ("tnm_edition", "8.0", 8), ("t_stage", "tx", None),
     ("site", "Larynx", "larynx")],
)  # fmt: skip
def test_categories(variable, text, value):
    found = VARIABLES[variable].value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [("age", "130", "0 to 120 years"), ("weight_kg", "0", "20 to 400 kg"), ("performance_status", "5", "0, 1, 2, 3, 4"),
     ("gender", "divers", "male, m, female, f"),
     ("hpv", "2", "expected one of 1, 0"), ("tnm_edition", "6", "one of 7, 8")],
)  # fmt: skip
def test_impossible_values_say_what_was_expected(variable, text, said):
    with pytest.raises(ValueError, match=said):
        VARIABLES[variable].value(text)


def test_limits_are_of_our_unit():
    assert VARIABLES["age"].value("780", 1 / 12) == 65
    assert VARIABLES["weight_kg"].value("150", 0.45359237) == pytest.approx(68.0389)


def test_a_record_has_a_place_for_every_variable():
    assert set(VARIABLES) == set(ClinicalRecord.__dataclass_fields__) - {"patient", "centre"}
