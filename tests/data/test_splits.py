from collections import Counter
from types import SimpleNamespace

import pytest

from hnseg.data.splits import Split, deal_out, hold_out
from hnseg.data.splitters import KFold
from tests.data.patients import PATIENTS


def test_hold_out_takes_every_centres_share() -> None:
    rest, held = hold_out(PATIENTS[:20], 0.25, seed=0)
    assert Counter(i[:4] for i in held) == {"CHGJ": 3, "CHUS": 2}
    assert sorted(rest + held) == sorted(p.case_id for p in PATIENTS[:20])


def test_hold_out_depends_on_the_seed_and_not_on_the_order() -> None:
    pool = PATIENTS[:20]
    assert hold_out(pool, 0.25, seed=0) == hold_out(pool[::-1], 0.25, seed=0)
    assert hold_out(pool, 0.25, seed=0) != hold_out(pool, 0.25, seed=1)


def test_a_patient_in_two_parts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"more than one part: a"):
        Split("s", "inner", ("a", "b"), ("c",), ("a",))
    with pytest.raises(ValueError, match=r"more than one part: c"):
        Split("s", "inner", ("a", "b"), ("c",), ("c",))


def test_the_key_names_the_patients_and_not_their_order() -> None:
    assert Split("s", "inner", ("a", "b"), ("c",), ()).key == Split("t", "inner", ("b", "a"), ("c",), ()).key
    assert Split("s", "inner", ("a", "b"), ("c",), ()).key != Split("s", "inner", ("a", "c"), ("b",), ()).key


def test_all_examinations_of_a_patient_lie_on_one_side() -> None:
    places = [(n, k) for n in range(9) for k in (1, 2)]
    twice = [SimpleNamespace(case_id=f"P{n}-{k}", patient=f"P{n}", centre="A", part="train") for n, k in places]
    for fold in range(3):
        split = deal_out(KFold(fold, 3), twice)
        sides = [{case_id.split("-")[0] for case_id in part} for part in (split.train, split.val, split.test)]
        assert sum(map(len, sides)) == len(set.union(*sides))
        assert sorted((*split.train, *split.val, *split.test)) == sorted(case.case_id for case in twice)


def test_patients_with_one_case_each_are_dealt_as_the_splitter_has_it() -> None:
    assert deal_out(KFold(1, 3), PATIENTS) == KFold(1, 3)(PATIENTS)
