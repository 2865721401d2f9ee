"""Which settings of a post-processing chain are tried: all of a grid, or those that Optuna proposes."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

Parameters = dict[str, Any]
"""Dotted place in the chain to value: ``{"crf.position_weight": 2.0}``."""

Space = Mapping[str, Any]
"""Dotted place in the chain to what may stand there: a list of choices, or a range ``{low, high, log}``."""

RANGE_KEYS = ("low", "high", "log")


class Search(Protocol):
    """Proposes settings, one after another, and hears how good each was."""

    def __len__(self) -> int: ...

    def ask(self) -> Parameters: ...

    def tell(self, score: float) -> None:
        """The score of what was asked for last; higher is better."""


class GridSearch:
    """Every combination of the choices, the last parameter varying fastest.

    Raises:
        ValueError: a parameter has a range instead of choices.
    """

    def __init__(self, space: Space) -> None:
        for name, choices in space.items():
            if isinstance(choices, Mapping):
                raise ValueError(f"space: {name} is a range; a grid needs a list of values, or say search=optuna")
        self._size = math.prod(len(choices) for choices in space.values())
        self._waiting: Iterator[tuple[Any, ...]] = itertools.product(*space.values())
        self._names = tuple(space)

    def __len__(self) -> int:
        return self._size

    def ask(self) -> Parameters:
        return dict(zip(self._names, next(self._waiting), strict=True))

    def tell(self, score: float) -> None:
        """A grid learns nothing."""


class OptunaSearch:
    """What Optuna's tree-structured Parzen estimator proposes (Bergstra et al. 2011, NeurIPS 24).

    The same seed and the same scores give the same proposals. A list is a choice without an order, a range is drawn
    from evenly or, with ``log: true``, evenly in its logarithm; whole numbers where both ends are whole.

    Raises:
        ValueError: Optuna is not installed.
    """

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        try:
            import optuna  # here and not above: an extra that a grid does without
        except ImportError as error:
            raise ValueError("search=optuna needs Optuna: pip install 'hnseg[optuna]', or use search=grid") from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        self._space, self._trials = dict(space), trials
        self._asked: optuna.Trial | None = None

    def __len__(self) -> int:
        return self._trials

    def ask(self) -> Parameters:
        self._asked = self._study.ask()
        return {name: self._suggest(name, domain) for name, domain in self._space.items()}

    def tell(self, score: float) -> None:
        assert self._asked is not None, "ask() comes first"
        self._study.tell(self._asked, score)

    def _suggest(self, name: str, domain: Any) -> Any:
        assert self._asked is not None
        if not isinstance(domain, Mapping):  # by place in the list: Optuna takes no lists as choices
            return domain[self._asked.suggest_categorical(name, range(len(domain)))]
        low, high, log = domain["low"], domain["high"], domain.get("log", False)
        if isinstance(low, int) and isinstance(high, int):
            return self._asked.suggest_int(name, low, high, log=log)
        return self._asked.suggest_float(name, float(low), float(high), log=log)


def make_search(kind: Literal["grid", "optuna"], space: Space, trials: int, seed: int) -> Search:
    """The search that a user named.

    Raises:
        ValueError: it is not known, or cannot search this space.
    """
    refuse_bad_space(space)
    if kind == "grid":
        return GridSearch(space)
    if kind != "optuna":
        raise ValueError(f"search={kind} is not known; use grid or optuna")
    if not space or trials < 1:
        raise ValueError(
            "search=optuna needs a space to draw from, and trials=1 or more; see hnseg tune-postprocess -h"
        )
    return OptunaSearch(space, trials, seed)


def refuse_bad_space(space: Space) -> None:
    """Find what cannot be a space before anything is computed.

    Raises:
        ValueError: a parameter without values, or a range that is none.
    """
    for name, domain in space.items():
        if isinstance(domain, Mapping):
            _refuse_bad_range(name, domain)
        elif not isinstance(domain, Sequence) or isinstance(domain, str) or not domain:
            raise ValueError(f"space: {name} is {domain!r}; give a list of values or a range {{low: 0.5, high: 8}}")


def bounds(domain: Any) -> list[Any]:
    """The values of a list, or the two ends of a range."""
    return [domain["low"], domain["high"]] if isinstance(domain, Mapping) else list(domain)


def _refuse_bad_range(name: str, domain: Mapping[str, Any]) -> None:
    for key in domain:
        if key not in RANGE_KEYS:
            near = difflib.get_close_matches(str(key), RANGE_KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(RANGE_KEYS)}"
            raise ValueError(f"space: the range of {name} takes no {key!r}; {hint}")
    low, high = domain.get("low"), domain.get("high")
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not low < high:  # type: ignore[operator]
        raise ValueError(f"space: the range of {name} needs numbers low < high; got {dict(domain)}")
    if domain.get("log") and low <= 0:  # type: ignore[operator]
        raise ValueError(f"space: the range of {name} is logarithmic, so low must be above 0; got {low}")
