import pytest

from hnseg.phantom.cohort import members


def test_training_patients_are_dealt_to_the_centres_in_turn():
    train, test = members(2020, 9, 2)
    assert [m.centre for m in train][:5] == ["CHGJ", "CHMR", "CHUM", "CHUS", "CHGJ"]
    assert {m.centre for m in test} == {"CHUV"}
    assert train[4].case_id == "CHGJ002"


@pytest.mark.parametrize("year", [2020, 2021, 2022])
def test_names_and_people_are_different(year):
    train, test = members(year, 20, 12)
    assert len({m.case_id for m in (*train, *test)}) == 32
    assert len({m.index for m in (*train, *test)}) == 32
    assert ("-" in train[0].case_id) == (year >= 2022)


def test_testing_patients_do_not_depend_on_the_number_of_training_patients():
    assert [m.index for m in members(2021, 5, 3)[1]] == [m.index for m in members(2021, 50, 3)[1]]


def test_each_cohort_has_its_odd_patients():
    assert [m.oddity for m in members(2022, 6)[0]] == ["none", "oblique", "flipped", "large_pet", "none", "none"]


@pytest.mark.parametrize("arguments", [(2019, 3, 0), (2020, 0, 0), (2020, 3, -1), (2025, 3, 1)])
def test_impossible_cohorts_are_refused(arguments):
    with pytest.raises(ValueError, match="phantom"):
        members(*arguments)
