from collections import Counter

import pytest

from hnseg.data.splits import Split, hold_out
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
