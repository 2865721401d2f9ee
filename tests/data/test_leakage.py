from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hnseg.data.leakage import refuse_leaks
from hnseg.data.splits import Split

KEYS = count()
RNG = np.random.default_rng(0)
CT, PT = ({name: RNG.normal(size=(20, 20, 20)).astype(np.float32) for name in "abcd"} for _ in range(2))


def noisy(array: np.ndarray) -> np.ndarray:
    return array + RNG.normal(scale=1e-3, size=array.shape).astype(np.float32)


def case(case_id: str, ct: np.ndarray, pt: np.ndarray, part: str = "train", patient: str = "") -> SimpleNamespace:
    about = {"part": part, "patient": patient, "folder": Path(case_id), "key": str(next(KEYS))}
    return SimpleNamespace(case_id=case_id, images=(ct, pt), **about)


def cases(**others: SimpleNamespace) -> list[SimpleNamespace]:
    """a, b, c and d, or what is said in their place."""
    return [others.get(n, case(n, CT[n], PT[n])) for n in "abcd"]


FOUR = Split("s", "inner", ("a", "b"), ("c",), ("d",))


def test_different_patients_pass() -> None:
    refuse_leaks(FOUR, cases())
    refuse_leaks(Split("s", "inner", ("a",), ("b",), ()), cases())


def test_two_examinations_of_one_patient_are_found_by_the_patients_name() -> None:
    ours = cases(a=case("a", CT["a"], PT["a"], patient="p1"), c=case("c", CT["c"], PT["c"], patient="p1"))
    with pytest.raises(ValueError, match="train a = val c"):
        refuse_leaks(FOUR, ours)
    refuse_leaks(Split("s", "inner", ("a", "c"), ("b",), ("d",)), ours)


@pytest.mark.parametrize("exactly", [True, False])
@pytest.mark.parametrize(
    ("twin", "named"), [("c", "train a = val c"), ("d", "train a = test d"), ("b", None)], ids=["val", "test", "train"]
)
def test_the_same_patient_under_another_name_stops_the_run(exactly: bool, twin: str, named: str | None) -> None:
    again = case(twin, CT["a"] if exactly else noisy(CT["a"]), PT["a"] if exactly else noisy(PT["a"]))
    if named is None:  # both train: no harm
        refuse_leaks(FOUR, cases(**{twin: again}))
        return
    with pytest.raises(ValueError, match=rf"1 times .{named}\)"):
        refuse_leaks(FOUR, cases(**{twin: again}))


@pytest.mark.parametrize("exactly", [True, False])
def test_a_validated_patient_must_not_be_tested(exactly: bool) -> None:
    again = case("d", CT["c"] if exactly else noisy(CT["c"]), PT["c"] if exactly else noisy(PT["c"]))
    with pytest.raises(ValueError, match="val c = test d"):
        refuse_leaks(FOUR, cases(d=again))
    refuse_leaks(Split("s", "paper", ("a", "b"), ("c", "d"), ("c", "d")), cases(d=again))


@pytest.mark.parametrize(("twin", "named"), [("a", "train a"), ("c", "val c"), ("d", None)])
def test_the_data_sets_own_test_patients_are_kept_apart_in_every_fold(twin: str, named: str | None) -> None:
    everybody = [*cases(), case("e", CT[twin], PT[twin], part="test")]
    if named is None:  # left out here; in the fold that trains on d the run stops
        refuse_leaks(FOUR, everybody)
        return
    with pytest.raises(ValueError, match=f"1 times .{named} = test e"):
        refuse_leaks(FOUR, everybody)


def test_the_papers_protocol_still_keeps_training_apart() -> None:
    with pytest.raises(ValueError, match=r"1 times .train a = test c"):
        refuse_leaks(Split("s", "paper", ("a", "b"), ("c", "d"), ("c", "d")), cases(c=case("c", CT["a"], PT["a"])))


def test_one_modality_that_looks_alike_is_not_one_patient_but_one_that_is_the_same_voxel_by_voxel_is() -> None:
    refuse_leaks(FOUR, cases(c=case("c", noisy(CT["a"]), PT["c"])))
    with pytest.raises(ValueError, match="train a = val c"):
        refuse_leaks(FOUR, cases(c=case("c", CT["a"].copy(), PT["c"])))


def test_images_of_one_value_are_no_sign_of_anything() -> None:
    empty = np.zeros_like(PT["a"])
    refuse_leaks(FOUR, [case(n, CT[n], empty) for n in "abcd"])


def test_long_lists_are_cut() -> None:
    same = [case(str(n), CT["a"], PT["a"]) for n in range(8)]
    with pytest.raises(ValueError, match=r"14 times .*, \.\.\.\)"):
        refuse_leaks(Split("s", "inner", ("0", "1"), tuple("2345"), ("6",)), [*same[:7], case("7", CT["b"], PT["b"])])


def test_a_list_may_deal_the_data_sets_own_test_patients_to_training() -> None:
    listed = [*cases(), case("e", noisy(CT["a"] * 2 + 1), noisy(PT["b"][::-1]), part="test")]
    refuse_leaks(Split("s", "inner", ("a", "b", "e"), ("c",), ("d",)), listed)
    refuse_leaks(Split("s", "final", ("a", "b", "c"), ("c",), ("d",)), cases())
