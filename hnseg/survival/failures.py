"""What a model is set aside for, and what stops everything."""

from __future__ import annotations

from hnseg.survival.sentinel import LeakError

STOPS = (LeakError, AssertionError, OSError, MemoryError)
"""What no model is set aside for: a leak, a mistake of ours, a disk or a memory that is full, of which the model knows
nothing."""


def reason(error: Exception) -> str:
    """A failure in a sentence."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return f"{type(error).__name__}: {first[:300]}"
