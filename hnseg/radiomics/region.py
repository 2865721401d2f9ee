"""The voxels of a mask as a flat array with one empty voxel around, where neighbours are a step in memory away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = tuple((dz, dy, dx) for dz in (0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dz, dy, dx) > (0, 0, 0))
"""The 13 directions (z, y, x) of 26 neighbours; the others are their opposites."""
IN_PLANE = tuple(direction for direction in DIRECTIONS if direction[0] == 0)


@dataclass(frozen=True, eq=False)
class Region:
    """Grey levels of the voxels that count.

    Attributes:
        ranks: (Z, Y, X) with an empty voxel on every side: 0 where no voxel counts, else the place of its grey level
            in `levels`, from 1.
        levels: the grey levels that occur, ascending.
        directions: in which neighbours are looked for.
    """

    ranks: NDArray[np.int64]
    levels: NDArray[np.float64]
    directions: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, inside: NDArray[np.bool_], levels: NDArray[np.int64], force_2d: bool) -> Region:
        """The region of a (Z, Y, X) mask and the (voxels,) grey levels in it."""
        present, places = np.unique(levels, return_inverse=True)
        ranks = np.zeros(tuple(size + 2 for size in inside.shape), np.int64)
        ranks[1:-1, 1:-1, 1:-1][inside] = places + 1
        return cls(ranks, present.astype(float), IN_PLANE if force_2d else DIRECTIONS)

    @cached_property
    def flat(self) -> NDArray[np.int64]:
        return self.ranks.ravel()

    @cached_property
    def voxels(self) -> NDArray[np.int64]:
        """(voxels,): where in `flat` they are."""
        return np.flatnonzero(self.flat)

    @cached_property
    def here(self) -> NDArray[np.int64]:
        """(voxels,): rank of each."""
        return self.flat[self.voxels]

    def step(self, direction: tuple[int, int, int]) -> int:
        """How far in `flat` the neighbour in a direction is; from an inner voxel it never leaves the array."""
        _, y, x = self.ranks.shape
        return int((direction[0] * y + direction[1]) * x + direction[2])

    def there(self, direction: tuple[int, int, int], sign: int = 1) -> NDArray[np.int64]:
        """(voxels,): rank of the neighbour of each in a direction, or its opposite, 0 where none counts."""
        return self.flat[self.voxels + sign * self.step(direction)]
