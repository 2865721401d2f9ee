from collections import Counter
from dataclasses import dataclass

import pytest

from hnseg.data.splits import KFold, LeaveOneCentreOut, Official, Published, Split, hold_out, published_hecktor2020


@dataclass(frozen=True)
class Patient:
    case_id: str
    centre: str
    part: str = "train"


PATIENTS = [Patient(f"{centre}{n:03d}", centre) for centre, count in (("CHGJ", 12), ("CHUS", 8)) for n in range(count)]
PATIENTS += [Patient(f"CHUV{n:03d}", "CHUV", "test") for n in range(5)]


def centres(ids: tuple[str, ...]) -> Counter[str]:
    return Counter(case_id[:4] for case_id in ids)


def test_hold_out_takes_every_centres_share() -> None:
    rest, held = hold_out(PATIENTS[:20], 0.25, seed=0)
    assert centres(tuple(held)) == {"CHGJ": 3, "CHUS": 2}
    assert sorted(rest + held) == sorted(p.case_id for p in PATIENTS[:20])


def test_hold_out_depends_on_the_seed_and_not_on_the_order() -> None:
    pool = PATIENTS[:20]
    assert hold_out(pool, 0.25, seed=0) == hold_out(pool[::-1], 0.25, seed=0)
    assert hold_out(pool, 0.25, seed=0) != hold_out(pool, 0.25, seed=1)


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


def test_a_patient_in_two_parts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"more than one part: a"):
        Split("s", "inner", ("a", "b"), ("c",), ("a",))
    with pytest.raises(ValueError, match=r"more than one part: c"):
        Split("s", "inner", ("a", "b"), ("c",), ("c",))


def test_the_key_names_the_patients_and_not_their_order() -> None:
    assert Split("s", "inner", ("a", "b"), ("c",), ()).key == Split("t", "inner", ("b", "a"), ("c",), ()).key
    assert Split("s", "inner", ("a", "b"), ("c",), ()).key != Split("s", "inner", ("a", "c"), ("b",), ()).key
