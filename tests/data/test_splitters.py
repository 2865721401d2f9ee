from collections import Counter
from typing import Any

import pytest

from hnseg.data import CentresAndRandom, KFold, LeaveOneCentreOut, Official, Published
from hnseg.data.splits import Splitter
from hnseg.data.splitters import published_hecktor2020
from tests.data.patients import PATIENTS, Patient

EVERYBODY_OF_2020 = [Patient(i, i[:4]) for part in published_hecktor2020()["split_0"].values() for i in part]


def centres(ids: tuple[str, ...]) -> Counter[str]:
    return Counter(case_id[:4] for case_id in ids)


def test_a_left_out_centre_is_tested_and_not_validated_on() -> None:
    split = LeaveOneCentreOut("CHUS")(PATIENTS)
    assert set(centres(split.test)) == {"CHUS"}
    assert "CHUS" not in centres(split.train) + centres(split.val)
    assert "CHUV" not in centres(split.train) + centres(split.val) + centres(split.test)


def test_the_papers_protocol_validates_on_the_left_out_centre() -> None:
    split = LeaveOneCentreOut("CHUS", protocol="paper")(PATIENTS)
    assert split.val == split.test
    assert len(split.train) == 12


def test_unknown_centre_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="CHGJ, CHUS"):
        LeaveOneCentreOut("CHXX")(PATIENTS)


def test_folds_partition_the_patients_and_mix_the_centres() -> None:
    tested = [KFold(fold, 4)(PATIENTS).test for fold in range(4)]
    assert sorted(i for fold in tested for i in fold) == sorted(p.case_id for p in PATIENTS[:20])
    assert all(centres(fold) == {"CHGJ": 3, "CHUS": 2} for fold in tested)


def test_official_parts() -> None:
    split = Official()(PATIENTS)
    assert set(centres(split.test)) == {"CHUV"}
    given = [*PATIENTS, Patient("V1", "X", "val")]
    assert Official()(given).val == ("V1",)


def test_published_lists_are_those_of_the_authors() -> None:
    sizes = {name: (len(lists["train"]), len(lists["val"])) for name, lists in published_hecktor2020().items()}
    assert sizes == {
        "split_0": (146, 55),
        "split_1": (129, 72),
        "split_2": (145, 56),
        "split_3": (183, 18),
        "new_split_0": (150, 51),
        "new_split_1": (151, 50),
        "new_split_2": (151, 50),
        "new_split_3": (151, 50),
    }


@pytest.mark.parametrize("family", ["split", "new_split"])
def test_published_validation_sets_partition_the_201_patients(family: str) -> None:
    held = [i for n in range(4) for i in published_hecktor2020()[f"{family}_{n}"]["val"]]
    assert len(held) == len(set(held)) == 201


def test_published_needs_its_patients() -> None:
    with pytest.raises(ValueError, match="names 193 patients that are not here"):
        Published()(PATIENTS)


def test_published_inner_validation_leaves_the_authors_list_to_the_test() -> None:
    lists = published_hecktor2020()["split_3"]
    everybody = [Patient(i, i[:4]) for part in lists.values() for i in part]
    split = Published("split_3")(everybody)
    assert sorted(split.test) == sorted(lists["val"])
    assert sorted(split.train + split.val) == sorted(lists["train"])


@pytest.mark.parametrize(
    ("splitter", "folds"),
    [
        (LeaveOneCentreOut("CHUS"), ["CHGJ", "CHUS"]),
        (KFold(1, 3, seed=4), [0, 1, 2]),
        (CentresAndRandom("CHUS"), ["CHGJ", "CHUS", "random_0", "random_1"]),
        (CentresAndRandom("CHUS", random_folds=3), ["CHGJ", "CHUS", "random_0", "random_1", "random_2"]),
        (Published("split_0"), [f"{family}_{n}" for family in ("split", "new_split") for n in range(4)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_fold_has_a_name_and_a_splitter_of_its_own(splitter: Splitter, folds: list[str | int]) -> None:
    patients = EVERYBODY_OF_2020 if isinstance(splitter, Published) else PATIENTS
    assert splitter.folds(patients) == folds
    splits = [splitter.for_fold(fold)(patients) for fold in folds]
    assert len({split.test for split in splits}) == len(folds)
    for split in splits:
        assert not set(split.test) & {*split.train, *split.val}
        everybody = {*split.train, *split.val, *split.test}
        assert everybody == {p.case_id for p in patients if p.part == "train"}


@pytest.mark.parametrize("settings", [{"protocol": "paper"}, {"seed": 3}, {"validation_fraction": 0.4}], ids=str)
@pytest.mark.parametrize("kind", [LeaveOneCentreOut, KFold, CentresAndRandom, Published])
def test_another_fold_keeps_the_other_settings(kind: type, settings: dict[str, Any]) -> None:
    patients = EVERYBODY_OF_2020
    first, second = kind(0).folds(patients)[:2]
    assert kind(first, **settings).for_fold(second)(patients) == kind(second, **settings)(patients)
    assert kind(first, **settings).for_fold(second)(patients) != kind(second)(patients)


def test_a_fold_may_be_said_in_words_of_the_command_line() -> None:
    assert KFold().for_fold("1")(PATIENTS) == KFold(1)(PATIENTS)
    assert LeaveOneCentreOut("CHUS").for_fold(7).centre == "7"  # a centre may have a number for a name


def test_centres_and_random_folds_are_those_of_the_splits_that_they_are_named_after() -> None:
    assert CentresAndRandom("CHGJ")(PATIENTS) == LeaveOneCentreOut("CHGJ")(PATIENTS)
    assert CentresAndRandom("random_1", 4, seed=2)(PATIENTS) == KFold(1, 4, seed=2)(PATIENTS)
    tested = [i for n in range(4) for i in CentresAndRandom(f"random_{n}", 4)(PATIENTS).test]
    assert sorted(tested) == sorted(p.case_id for p in PATIENTS[:20])


def test_what_cannot_be_a_fold_says_what_can() -> None:
    with pytest.raises(ValueError, match="CHGJ, CHUS, random_0, random_1"):
        CentresAndRandom("random_2")(PATIENTS)
    with pytest.raises(ValueError, match="at least 2"):
        CentresAndRandom("CHUS", random_folds=1).folds(PATIENTS)
    with pytest.raises(ValueError, match=r"one centre \(CHGJ\).*split=kfold"):
        LeaveOneCentreOut("CHGJ").folds(PATIENTS[:12])
    with pytest.raises(ValueError, match="has no folds; use split=kfold"):
        Official().folds(PATIENTS)
    with pytest.raises(ValueError, match="has no folds"):
        Official().for_fold(0)
    with pytest.raises(ValueError, match="names 193 patients that are not here"):
        Published().folds(PATIENTS)
