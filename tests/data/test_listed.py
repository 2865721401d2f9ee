import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hnseg.data import Listed, Split
from hnseg.data.listed import read_lists


@dataclass(frozen=True)
class Patient:
    case_id: str
    centre: str = "x"
    part: str = "train"


def patients(*names: str) -> list[Patient]:
    return [Patient(name) for name in names]


@pytest.fixture
def lists(tmp_path: Path) -> str:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"train": ["a", "b", "c"], "val": ["d"], "test": ["e", "f"]}))
    return str(path)


def test_patients_go_where_the_lists_say_whatever_the_data_set_calls_them(lists: str) -> None:
    everybody = [*patients("a", "b", "c", "d", "e"), Patient("f", part="test")]
    assert Listed(lists)(everybody) == Split("listed-mine", "inner", ("a", "b", "c"), ("d",), ("e", "f"))


def test_who_is_not_here_or_not_listed_is_passed_over_and_said(lists: str, capsys: pytest.CaptureFixture[str]) -> None:
    split = Listed(lists)(patients("a", "c", "d", "e", "z"))
    assert (split.train, split.val, split.test) == (("a", "c"), ("d",), ("e",))
    said = capsys.readouterr().out
    assert "2 patients on its lists are not here: b, f" in said
    assert "1 patients here are on none of its lists: z" in said


def test_lists_of_other_data_are_refused_unless_everybody_else_is_to_train(lists: str) -> None:
    everybody = patients("a", "d", "e", "p", "q", "r", "s")
    with pytest.raises(ValueError, match="names 3 of the 7 patients here: it is of other data"):
        Listed(lists)(everybody)
    split = Listed(lists, others="train")(everybody)
    assert (split.train, split.val, split.test) == (("a", "p", "q", "r", "s"), ("d",), ("e",))


def test_a_final_fit_trains_on_the_validation_patients_too(lists: str) -> None:
    split = Listed(lists, final=True)(patients(*"abcdef"))
    assert split == Split("listed-mine-final", "final", ("a", "b", "c", "d"), ("d",), ("e", "f"))
    assert split.key != Listed(lists)(patients(*"abcdef")).key


def test_without_a_list_for_it_validation_is_held_out_from_the_training_patients(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"train": [*"abcdefghij"], "test": ["k"]}))
    split = Listed(str(path), validation_fraction=0.3)(patients(*"abcdefghijk"))
    assert (len(split.train), len(split.val), split.test) == (7, 3, ("k",))
    assert sorted([*split.train, *split.val]) == [*"abcdefghij"]


@pytest.mark.parametrize("final", [False, True])
def test_nobody_is_tested_who_trained(final: bool) -> None:
    with pytest.raises(ValueError, match="more than one part: a"):
        Split("s", "final" if final else "inner", ("a", "b"), ("b",) if final else ("c",), ("a",))
    with pytest.raises(ValueError, match="more than one part: c"):
        Split("s", "final" if final else "inner", ("a", "b"), ("c",), ("c",))


def test_hnsegs_own_lists_are_those_of_the_papers() -> None:
    jain, zhu, ours = (read_lists(name) for name in ("pddca_jain2020", "pddca_zhu2018", "public_oar"))
    assert {part: len(ids) for part, ids in jain.items()} == {"train": 25, "val": 8, "test": 15}
    assert {part: len(ids) for part, ids in zhu.items()} == {"train": 38, "test": 10}
    assert {part: len(ids) for part, ids in ours.items()} == {"train": 65, "val": 10, "test": 22}
    assert set(zhu["test"]) < set(jain["test"])
    assert {i for part in zhu.values() for i in part} == {i for part in jain.values() for i in part}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"train": ["a"], "test": ["a"]}', "more than once: a"),
        ('{"val": ["a"]}', "should hold the lists"),
        ('{"train": [1, 2]}', "should hold the lists"),
        ("[]", "should hold the lists"),
        ("{", "nor a readable JSON file"),
    ],
)
def test_lists_that_cannot_be_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        Listed(str(path))(patients("a"))


def test_an_unknown_name_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"nowhere is neither one of hnseg's own \(.*pddca_jain2020.*public_oar"):
        Listed("nowhere")(patients("a"))


def test_lists_of_other_patients_say_so(lists: str) -> None:
    with pytest.raises(ValueError, match="names 0 of the 2 patients here"):
        Listed(lists)(patients("p", "q"))
    with pytest.raises(ValueError, match="names none of the 1 patients here"):
        Listed(lists)(patients("e"))


def test_there_is_nothing_to_leave_out_in_turn(lists: str) -> None:
    with pytest.raises(ValueError, match="has no folds"):
        Listed(lists).folds(patients("a"))
