"""Reads fitted states back: what ``to_plain`` wrote is plain data of a file, and nothing in it is trusted."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

KIND, PARAMETERS = "kind", "parameters"
_HUGE = 1e300


class State:
    """A fitted state whose every value is looked at before it is used.

    Args:
        plain: what was read.
        kind: what it must say that it is the state of.
        keys: what it must have besides ``kind``, no more and no less.

    Raises:
        ValueError: it is no mapping, of another kind, or has other keys; every method raises it for its value.
    """

    def __init__(self, plain: object, kind: str, keys: Sequence[str]) -> None:
        self.kind = kind
        if not isinstance(plain, Mapping) or plain.get(KIND) != kind:
            raise ValueError(f"this is not the saved state of a {kind}; save the model anew")
        if odd := set(plain) ^ {KIND, *keys}:
            raise ValueError(f"saved state of {kind}: {', '.join(sorted(map(str, odd)))} is missing or too much")
        self.plain = plain

    def refuse(self, key: str, expected: str) -> ValueError:
        """The error that says what was expected of a value."""
        return ValueError(f"saved state of {self.kind}: {key!r} must be {expected}; save the model anew")

    def names(self, key: str) -> list[str]:
        """Names, each once."""
        value = self.plain[key]
        texts = isinstance(value, list) and all(isinstance(name, str) for name in value)
        if not texts or len(set(value)) < len(value):
            raise self.refuse(key, "a list of names, each once")
        return list(value)

    def kept_columns(self) -> tuple[list[str], list[str], list[str]]:
        """``columns``, ``kept``, which are some of them, and those that were dropped."""
        columns, kept = self.names("columns"), self.names("kept")
        if not kept or not set(kept) <= set(columns):
            raise self.refuse("kept", "some of the columns")
        return columns, kept, [name for name in columns if name not in set(kept)]

    def text(self, key: str) -> str:
        """Any text."""
        if not isinstance(self.plain[key], str):
            raise self.refuse(key, "a text")
        return str(self.plain[key])

    def flag(self, key: str) -> bool:
        """True or False."""
        if not isinstance(self.plain[key], bool):
            raise self.refuse(key, "true or false")
        return bool(self.plain[key])

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number within bounds."""
        value = self.plain[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE <= value <= _HUGE:
            raise self.refuse(key, "a finite number")
        if not low <= value <= high:
            raise self.refuse(key, f"from {low:g} to {high:g}")
        return float(value)

    def array(self, key: str, shape: tuple[int | None, ...], *, finite: bool = True) -> NDArray[np.float64]:
        """Numbers of a shape; None stands for any length. ``finite=False`` lets NaN pass, infinity never."""
        value = self.plain[key]
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            raise self.refuse(key, "an array of numbers")
        fits = value.ndim == len(shape) and all(b in (None, a) for a, b in zip(value.shape, shape, strict=True))
        if not fits:
            raise self.refuse(key, f"of shape {shape}, found {value.shape}")
        numbers = value.astype(np.float64)
        if np.isinf(numbers).any() or (finite and np.isnan(numbers).any()):
            raise self.refuse(key, "finite")
        return numbers

    def places(self, key: str, shape: tuple[int | None, ...], below: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to ``below - 1``: places in something of that length."""
        numbers = self.array(key, shape)
        whole = numbers.astype(np.int64)
        if (whole != numbers).any() or (whole < 0).any() or (whole >= below).any():
            raise self.refuse(key, f"whole numbers from 0 to {below - 1}")
        return whole

    def parameters(self, of: Callable[..., Any]) -> dict[str, Any]:
        """What a constructor is called with: its own arguments, each of its default's type."""
        value, known = self.plain[PARAMETERS], inspect.signature(of).parameters
        if not isinstance(value, Mapping) or set(value) != set(known):
            raise self.refuse(PARAMETERS, f"a mapping with {', '.join(known)}")
        for name, parameter in known.items():
            kinds = (int, float) if isinstance(parameter.default, float) else (type(parameter.default),)
            number = isinstance(value[name], int | float)
            if type(value[name]) not in kinds or (number and not -_HUGE <= value[name] <= _HUGE):
                raise self.refuse(name, f"such as {parameter.default!r}")
        return dict(value)
