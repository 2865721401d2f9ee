"""How a network sees a case while it trains: a patch of it, the whole of it, or its slices.

``data`` says whose cases, ``view`` says how they are looked at; every model runs on every data set through the view
that fits its dimension. A view draws; it never augments and never normalises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hnseg.prepare import Case

Sample = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""Image (C, *spatial) in HU and SUV, label map (*spatial)."""


Visit = int | None
"""What a view goes to a case for: a slice by its number, or None where it decides anew each time."""


class View(Protocol):
    """What a training set asks of a view."""

    spatial_dims: int

    def visits(self, case: Case) -> Sequence[Visit]:
        """What an epoch goes to this case for, each once."""
        ...

    def sample(self, case: Case, visit: Visit, voxels: ForegroundVoxels, rng: np.random.Generator) -> Sample: ...


class ForegroundVoxels:
    """Where the structures of a case are, found once a case and process and kept.

    At most ``limit`` voxels a structure are kept, evenly spaced: enough to aim patches at, small enough for thousands
    of cases.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._known: dict[str, list[NDArray[np.int64]]] = {}

    def of(self, case: Case) -> list[NDArray[np.int64]]:
        """One ``(n, 3)`` array of z, y, x indices for every structure that the case has."""
        if case.case_id not in self._known:
            assert case.label is not None, f"{case.case_id} has no label map to train on"
            flat = np.flatnonzero(case.label)
            values = case.label.reshape(-1)[flat]
            self._known[case.case_id] = [
                self._thin(flat[values == value], case.label.shape) for value in np.unique(values).tolist()
            ]
        return self._known[case.case_id]

    def _thin(self, flat: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        chosen = flat[:: max(1, -(-len(flat) // self._limit))]
        return np.stack(np.unravel_index(chosen, shape), axis=1)


def _aim(voxels: list[NDArray[np.int64]], probability: float, rng: np.random.Generator) -> NDArray[np.int64] | None:
    """With ``probability`` a voxel of a structure, every structure of the case equally likely; else nothing."""
    if rng.random() >= probability or not voxels:
        return None
    structure = voxels[rng.integers(len(voxels))]
    return structure[rng.integers(len(structure))]


def _origin(shape: int, size: int, inside: int | None, rng: np.random.Generator) -> int:
    """A start for ``size`` voxels along an axis of ``shape``, uniform among those that keep ``inside`` in view."""
    low, high = min(0, shape - size), max(0, shape - size)
    if inside is not None:
        low, high = max(low, inside - size + 1), min(high, inside)
    return int(rng.integers(low, high + 1))


def _start(
    case: Case, size_zyx: tuple[int, int, int], aim: NDArray[np.int64] | None, rng: np.random.Generator
) -> tuple[int, int, int]:
    z, y, x = (
        _origin(have, size_zyx[axis], None if aim is None else int(aim[axis]), rng)
        for axis, have in enumerate(case.grid.shape_zyx)
    )
    return z, y, x


class _Random:
    """A view that goes to a case once and draws what it sees there."""

    def visits(self, case: Case) -> Sequence[Visit]:  # noqa: ARG002
        return (None,)


def _three(size_zyx: Sequence[int]) -> tuple[int, int, int]:
    """Out of YAML a size is a list."""
    z, y, x = size_zyx
    return z, y, x


@dataclass(frozen=True)
class PatchView(_Random):
    """Patches of ``size_zyx`` voxels that show a structure with probability ``foreground_probability``.

    The paper has 144^3 and 0.9 (Iantsen et al. 2021, section 2.3). A patch aimed at a structure always holds a voxel
    of it; the authors' own sampler could miss it by one voxel.
    """

    size_zyx: tuple[int, int, int]
    foreground_probability: float = 0.9
    spatial_dims: int = 3

    def sample(self, case: Case, visit: Visit, voxels: ForegroundVoxels, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        aim = _aim(voxels.of(case), self.foreground_probability, rng)
        size = _three(self.size_zyx)
        return case.crop(_start(case, size, aim, rng), size)


@dataclass(frozen=True)
class VolumeView(_Random):
    """The whole prepared box or image, centred.

    Cut or padded to ``size_zyx``, so that batches can be made of it. Without a size it keeps its own, padded to
    multiples of ``multiple_of``; then a batch is one volume (Zhu et al. 2018 pad to multiples of 8, at the far ends).
    """

    size_zyx: tuple[int, int, int] | None
    multiple_of: int = 16
    spatial_dims: int = 3

    def sample(self, case: Case, visit: Visit, voxels: ForegroundVoxels, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        shape = case.grid.shape_zyx
        size = _three(self.size_zyx or [-(-n // self.multiple_of) * self.multiple_of for n in shape])
        z, y, x = ((have - want) // 2 for have, want in zip(shape, size, strict=True))
        return case.crop((z, y, x), size)


@dataclass(frozen=True)
class SliceView(_Random):
    """An axial slice of a case, drawn, that shows a structure with ``foreground_probability``; z of the size is 1."""

    size_zyx: tuple[int, int, int]
    foreground_probability: float = 0.5
    spatial_dims: int = 2

    def sample(self, case: Case, visit: Visit, voxels: ForegroundVoxels, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        aim = _aim(voxels.of(case), self.foreground_probability, rng)
        size = (1, self.size_zyx[1], self.size_zyx[2])
        image, label = case.crop(_start(case, size, aim, rng), size)
        return image[:, 0], label[0]


@dataclass(frozen=True)
class EverySliceView:
    """Every axial slice that shows a structure, once an epoch, cut at a random place; z of ``size_zyx`` is 1.

    Jain and Virtanen 2020 leave slices without a structure out and cut 256 x 256 of 280 x 280 pixels. Rainio et al.
    2024 (section 2.2) leave out those with fewer than 6 positive pixels.

    Args:
        size_zyx: of a sample.
        least_pixels: a slice shows something where so many pixels are of a structure.
        keep_empty: take the other slices as well, because a clinic has them.
    """

    size_zyx: tuple[int, int, int]
    least_pixels: int = 1
    keep_empty: bool = False
    spatial_dims: int = 2

    def visits(self, case: Case) -> Sequence[Visit]:
        return self.slices(case)

    def slices(self, case: Case) -> list[int]:
        """Numbers of the slices that it goes to."""
        assert case.label is not None, f"{case.case_id} has no label map to train on"
        return [
            z for z, plane in enumerate(case.label) if self.keep_empty or np.count_nonzero(plane) >= self.least_pixels
        ]

    def sample(self, case: Case, visit: Visit, voxels: ForegroundVoxels, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        assert visit is not None
        size = (1, self.size_zyx[1], self.size_zyx[2])
        _, y, x = _start(case, size, None, rng)
        image, label = case.crop((visit, y, x), size)
        return image[:, 0], label[0]
