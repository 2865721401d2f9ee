"""What a model is set aside for, what stops everything, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence

from hnseg.survival.sentinel import LeakError

_SHOWN = 6

STOPS = (LeakError, AssertionError, OSError, MemoryError)
"""What no model is set aside for: a leak, a mistake of ours, a disk or a memory that is full, of which the model knows
nothing."""


def reason(error: Exception) -> str:
    """A failure in a sentence."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return f"{type(error).__name__}: {first[:300]}"


def listed(names: Sequence[str]) -> str:
    """Names with commas; a long list is cut and says how many follow."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
