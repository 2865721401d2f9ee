import math
from typing import Any

import numpy as np
import pytest

from hnseg.survival.state import State


class Thing:
    def __init__(self, count: int = 3, share: float = 0.5, name: str = "x") -> None:
        self.given = (count, share, name)


def state(**values: Any) -> State:
    return State({"kind": "thing", **values}, "thing", tuple(values))


@pytest.mark.parametrize("plain", [None, [], "thing", {}, {"kind": "other"}, {"kind": "thing", "b": 1}])
def test_another_thing_is_refused(plain: Any) -> None:
    with pytest.raises(ValueError, match="saved state of"):
        State(plain, "thing", ("a",))


def test_what_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(ValueError, match="a, b is missing or too much"):
        State({"kind": "thing", "b": 1}, "thing", ("a",))


def test_good_values_come_back() -> None:
    array = np.array([[1, 2, 3]])
    good = state(n=["a", "b"], t="x", f=True, v=2, a=array, p=np.array([0.0, 2.0]))
    assert good.names("n") == ["a", "b"]
    assert good.text("t") == "x"
    assert good.flag("f") is True
    assert good.number("v", 0, 2) == 2.0
    assert good.array("a", (1, None)).dtype == np.float64
    assert good.places("p", (None,), 3).tolist() == [0, 2]
    assert np.isnan(state(a=np.array([math.nan])).array("a", (1,), finite=False)).all()


def test_what_is_read_is_a_copy() -> None:
    array = np.zeros(2)
    state(a=array).array("a", (2,))[0] = 1
    assert array[0] == 0


@pytest.mark.parametrize("value", [["a", "a"], ["a", 1], "ab", None, {"a": 1}, [["a"]]])
def test_names_are_texts_each_once(value: Any) -> None:
    with pytest.raises(ValueError, match="'n' must be a list of names"):
        state(n=value).names("n")


@pytest.mark.parametrize(
    "value", [True, "1", None, math.nan, math.inf, np.zeros(1), 3, -0.1, pytest.param(10**400, id="huge")]
)
def test_numbers_are_finite_and_within_bounds(value: Any) -> None:
    with pytest.raises(ValueError, match="'v' must be"):
        state(v=value).number("v", 0, 2)


@pytest.mark.parametrize(
    "value",
    [
        [1.0, 2.0],
        np.array(["a", "b"]),
        np.array([None, 1], dtype=object),
        np.array([1 + 1j, 2]),
        np.zeros(3),
        np.zeros((2, 1)),
        np.array([1, math.nan]),
        np.array([1, math.inf]),
        np.array([1, 2], dtype="datetime64[s]"),
    ],
)
def test_arrays_are_of_numbers_and_of_their_shape(value: Any) -> None:
    with pytest.raises(ValueError, match="'a' must be"):
        state(a=value).array("a", (2,))


def test_infinity_passes_nowhere() -> None:
    with pytest.raises(ValueError, match="finite"):
        state(a=np.array([math.inf])).array("a", (1,), finite=False)


@pytest.mark.parametrize("value", [[0.5], [-1], [3]])
def test_places_are_in_range(value: list[float]) -> None:
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        state(p=np.array(value)).places("p", (1,), 3)


def test_what_is_kept_is_some_of_the_columns() -> None:
    assert state(columns=["a", "b", "c"], kept=["c", "a"]).kept_columns() == (["a", "b", "c"], ["c", "a"], ["b"])
    for kept in (["d"], []):
        with pytest.raises(ValueError, match="some of the columns"):
            state(columns=["a"], kept=kept).kept_columns()


def test_parameters_are_the_constructors_own() -> None:
    good = {"count": 4, "share": 1, "name": "y"}
    assert state(parameters=good).parameters(Thing) == good


@pytest.mark.parametrize(
    "change",
    [
        {"count": 4.0},
        {"count": True},
        {"share": "a"},
        {"share": math.nan},
        {"share": 10**400},
        {"name": 1},
        {"more": 1},
    ],
)
def test_other_parameters_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="saved state of thing"):
        state(parameters={"count": 4, "share": 0.1, "name": "y"} | change).parameters(Thing)
