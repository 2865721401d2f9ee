from types import SimpleNamespace

import numpy as np
import pytest

from hnseg.data.leakage import refuse_leaks
from hnseg.data.splits import Split

RNG = np.random.default_rng(0)
CT, PT = ({name: RNG.normal(size=(20, 20, 20)).astype(np.float32) for name in "abc"} for _ in range(2))


def case(case_id: str, ct: np.ndarray, pt: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(case_id=case_id, images=(ct, pt))


def test_different_patients_pass() -> None:
    refuse_leaks(Split("s", "inner", ("a",), ("b",), ("c",)), [case(n, CT[n], PT[n]) for n in "abc"])


@pytest.mark.parametrize("part", ["val", "test"])
def test_the_same_patient_under_another_name_stops_the_run(part: str) -> None:
    noisy = CT["a"] + RNG.normal(scale=1e-3, size=(20, 20, 20)).astype(np.float32)
    cases = [case("a", CT["a"], PT["a"]), case("twin", noisy, PT["a"]), case("c", CT["c"], PT["c"])]
    val, test = (("twin",), ("c",)) if part == "val" else (("c",), ("twin",))
    with pytest.raises(ValueError, match="a = twin"):
        refuse_leaks(Split("s", "inner", ("a",), val, test), cases)


def test_one_modality_alike_is_not_one_patient() -> None:
    cases = [case("a", CT["a"], PT["a"]), case("b", CT["a"], PT["b"])]
    refuse_leaks(Split("s", "inner", ("a",), ("b",), ()), cases)


def test_twins_on_one_side_do_no_harm() -> None:
    cases = [case("a", CT["a"], PT["a"]), case("twin", CT["a"], PT["a"]), case("c", CT["c"], PT["c"])]
    refuse_leaks(Split("s", "inner", ("a", "twin"), ("c",), ()), cases)
