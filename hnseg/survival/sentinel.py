"""The leak sentinel: nothing is fitted on rows that are not declared as training rows.

Every estimator of this room inherits :class:`Guarded`, whose ``fit`` looks at the index of what it is given. Whoever
cross-validates opens ``with training_rows(fold.train):`` and fits inside; an inner fold opens a narrower one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from sklearn.base import BaseEstimator

from hnseg.survival.objects import Outcome

_ALLOWED: ContextVar[frozenset[str] | None] = ContextVar("training_rows", default=None)


class LeakError(RuntimeError):
    """Something was about to be fitted on patients that it must not know."""


@contextmanager
def training_rows(patients: Iterable[str]) -> Iterator[None]:
    """Inside, estimators may be fitted on these patients and on no others.

    Nothing may be yielded inside: while a generator waits there, its rows are those of its caller, too.

    Raises:
        LeakError: patients outside of the training rows that are already declared.
    """
    rows, outer = frozenset(patients), _ALLOWED.get()
    if outer is not None and (outside := rows - outer):
        raise LeakError(f"{len(outside)} patients are no training rows here, such as {min(outside)}")
    token = _ALLOWED.set(rows)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def refuse_leak(patients: Iterable[str]) -> None:
    """Stop where any of the patients is no declared training row, or none were declared.

    Raises:
        LeakError: so it is.
    """
    allowed = _ALLOWED.get()
    if allowed is None:
        raise LeakError("fitting outside of `with training_rows(...)`: say who the training patients are")
    if outside := frozenset(patients) - allowed:
        raise LeakError(f"fitting on {len(outside)} patients outside of the training rows, such as {min(outside)}")


def refuse_misaligned(patients: Iterable[str], outcome: Outcome) -> None:
    """Stop where the rows of features are not the outcome's patients in its order.

    Bourigault et al. 2022 selected features against the outcomes of other patients, for want of this.

    Raises:
        LeakError: so it is.
    """
    names = tuple(patients)
    if names != outcome.patients:
        agreeing = sum(a == b for a, b in zip(names, outcome.patients, strict=False))
        raise LeakError(f"features of {len(names)} patients, outcome of {len(outcome)}; only {agreeing} rows agree")


class Guarded(BaseEstimator):
    """A scikit-learn estimator whose ``fit(features, outcome)`` asks the sentinel first, and whether both agree."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "fit" in vars(cls):
            cls.fit = _guarded(vars(cls)["fit"])


def _guarded(fit: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fit)
    def guarded(self: Any, features: Any, *rest: Any, **named: Any) -> Any:
        refuse_leak(features.index)
        for given in (*rest, *named.values()):
            if isinstance(given, Outcome):
                refuse_misaligned(features.index, given)
        return fit(self, features, *rest, **named)

    return guarded
