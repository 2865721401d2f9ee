import sys

import pytest

from hnseg.evaluate.search import GridSearch, OptunaSearch, bounds, make_search


def asked(search, score=lambda _: 0.0) -> list[dict]:
    found = []
    for _ in range(len(search)):
        found.append(search.ask())
        search.tell(score(found[-1]))
    return found


def test_a_grid_is_every_combination_once() -> None:
    search = GridSearch({"crf.a": [1, 2], "drop.b": [[5, 5], "x", None]})
    assert len(search) == 6
    tried = asked(search)
    assert tried[:3] == [{"crf.a": 1, "drop.b": [5, 5]}, {"crf.a": 1, "drop.b": "x"}, {"crf.a": 1, "drop.b": None}]
    assert len({str(parameters) for parameters in tried}) == 6


def test_a_chain_without_settings_is_tried_as_it_is() -> None:
    assert asked(make_search("grid", {}, trials=5, seed=0)) == [{}]


def test_a_grid_cannot_walk_a_range() -> None:
    with pytest.raises(ValueError, match=r"crf\.a is a range.*search=optuna"):
        make_search("grid", {"crf.a": {"low": 1, "high": 2}}, 5, 0)


@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        ([], "give a list of values"),
        ("abc", "give a list of values"),
        (3.0, "give a list of values"),
        ({"low": 1, "hihg": 2}, "did you mean 'high'"),
        ({"low": 1, "high": 2, "q": 1}, "it takes low, high, log"),
        ({"low": 2, "high": 2}, "low < high"),
        ({"low": 2}, "low < high"),
        ({"low": "1", "high": "2"}, "low < high"),
        ({"low": 0, "high": 2.0, "log": True}, "must be above 0"),
    ],
)
@pytest.mark.parametrize("kind", ["grid", "optuna"])
def test_what_is_no_space_is_refused(domain, sentence, kind) -> None:
    with pytest.raises(ValueError, match=sentence):
        make_search(kind, {"crf.a": domain}, 5, 0)


def test_an_unknown_search_and_an_empty_one_are_refused() -> None:
    with pytest.raises(ValueError, match="use grid or optuna"):
        make_search("random", {"crf.a": [1]}, 5, 0)
    for space, trials in (({}, 5), ({"crf.a": [1]}, 0)):
        with pytest.raises(ValueError, match="needs a space"):
            make_search("optuna", space, trials, 0)


def test_without_optuna_there_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match=r"pip install 'hnseg\[optuna\]'"):
        make_search("optuna", {"crf.a": [1, 2]}, 5, 0)
    assert asked(make_search("grid", {"crf.a": [1]}, 5, 0)) == [{"crf.a": 1}]


SPACE = {"a": {"low": 0.5, "high": 8.0, "log": True}, "b": {"low": 1, "high": 9}, "c": [[1, 2], [3, 4]]}


def test_optuna_draws_from_ranges_and_lists() -> None:
    tried = asked(OptunaSearch(SPACE, trials=20, seed=3))
    assert all(0.5 <= parameters["a"] <= 8 for parameters in tried)
    assert all(type(parameters["b"]) is int and 1 <= parameters["b"] <= 9 for parameters in tried)
    assert {str(parameters["c"]) for parameters in tried} == {"[1, 2]", "[3, 4]"}


def test_the_same_seed_and_scores_give_the_same_proposals() -> None:
    first, again, other = (asked(OptunaSearch(SPACE, 15, seed), lambda p: -p["a"]) for seed in (1, 1, 2))
    assert first == again != other


def test_what_optuna_hears_steers_what_it_proposes() -> None:
    def score(parameters):
        return -((parameters["a"] - 3) ** 2)

    tried = asked(OptunaSearch({"a": {"low": 0.0, "high": 100.0}}, 60, 0), score)
    early, late = tried[:10], tried[-10:]  # the first ten are drawn blindly
    assert sum(map(score, late)) / 10 > sum(map(score, early)) / 10
    assert max(map(score, tried)) > -1


def test_bounds() -> None:
    assert bounds([1, 2, 3]) == [1, 2, 3]
    assert bounds({"low": 1, "high": 9, "log": True}) == [1, 9]
