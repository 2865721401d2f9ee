"""Weights that change with the epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ramp:
    """A number that goes in a straight line from ``start`` to ``end`` between two epochs and stays before and after.

    Epochs are counted from 0. It knows nothing but the epoch, so a resumed run goes on with the same number.

    Raises:
        ValueError: an end before the start.
    """

    start_epoch: int
    end_epoch: int
    start: float
    end: float

    def __post_init__(self) -> None:
        if self.end_epoch < self.start_epoch:
            raise ValueError(
                f"a ramp from epoch {self.start_epoch} to {self.end_epoch} ends before it starts; "
                "give end_epoch the later one"
            )

    def __call__(self, epoch: int) -> float:
        """The number in this epoch; a ramp of no length steps from ``start`` to ``end`` at its epoch."""
        if epoch >= self.end_epoch:
            return self.end
        if epoch <= self.start_epoch:
            return self.start
        share = (epoch - self.start_epoch) / (self.end_epoch - self.start_epoch)
        return self.start + share * (self.end - self.start)
