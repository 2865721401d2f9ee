"""How clicks become a channel: a point, a Gaussian, a disk, or the distance to the nearest of them.

A click belongs to the voxel that holds it (:func:`nearest_voxels`) and is drawn round that voxel's centre, so a user's
click between voxels looks to a network as the simulated ones did that it was trained with. All lengths are mm in the
patient, whatever the spacing. Only a box round each click is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# A position that was carried through a header's rotation may end up this many voxels beyond the edge that it lay on.
_EDGE_VOXELS = 1e-3

# Distances such as 3 x 0.1 mm miss a radius of 0.3 mm by an ulp of float32; no voxel may fall to that.
_ROUNDING = 1e-6

_GAUSSIAN_REACH_SIGMAS = 5.0


class Encoding(Protocol):
    """``encoding(index, shape, spacing_mm)``: one channel with clicks at ``index`` (n, d), float32 of ``shape``.

    Values lie in [0, 1]: 1 in the voxel of a click, 0 everywhere without clicks; of several clicks each voxel has the
    maximum.
    """

    def __call__(
        self, index: NDArray[Any], shape: tuple[int, ...], spacing_mm: tuple[float, ...]
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class PointEncoding:
    """1 in the voxel of each click, 0 elsewhere: what Rainio et al. 2024, section 2.2, give their network."""

    def __call__(
        self,
        index: NDArray[Any],
        shape: tuple[int, ...],
        spacing_mm: tuple[float, ...],  # noqa: ARG002
    ) -> NDArray[np.float32]:
        channel = np.zeros(shape, np.float32)
        channel[tuple(nearest_voxels(index, shape).T)] = 1.0
        return channel


@dataclass(frozen=True)
class GaussianEncoding:
    """``exp(-distance^2 / (2 sigma^2))``; 0 more than 5 sigma away along any axis, where it is below 4e-6.

    Raises:
        ValueError: ``sigma_mm`` is not a positive number.
    """

    sigma_mm: float

    def __post_init__(self) -> None:
        _check_length("gaussian", "sigma_mm", self.sigma_mm)

    def __call__(
        self, index: NDArray[Any], shape: tuple[int, ...], spacing_mm: tuple[float, ...]
    ) -> NDArray[np.float32]:
        scale = np.float32(-0.5 / self.sigma_mm**2)
        reach_mm = _GAUSSIAN_REACH_SIGMAS * self.sigma_mm
        return _draw(index, shape, spacing_mm, reach_mm, lambda squared_mm2: np.exp(squared_mm2 * scale))


@dataclass(frozen=True)
class DiskEncoding:
    """1 up to ``radius_mm`` from a click, that distance included, 0 beyond; a disk in 2-D, a ball in 3-D.

    Raises:
        ValueError: ``radius_mm`` is not a positive number.
    """

    radius_mm: float

    def __post_init__(self) -> None:
        _check_length("disk", "radius_mm", self.radius_mm)

    def __call__(
        self, index: NDArray[Any], shape: tuple[int, ...], spacing_mm: tuple[float, ...]
    ) -> NDArray[np.float32]:
        limit_mm2 = np.float32(self.radius_mm**2 * (1 + _ROUNDING))
        return _draw(
            index, shape, spacing_mm, self.radius_mm, lambda squared_mm2: (squared_mm2 <= limit_mm2).astype(np.float32)
        )


@dataclass(frozen=True)
class EdtEncoding:
    """``max(0, 1 - distance / reach)``: the Euclidean distance to the nearest click, turned round and cut off.

    Raises:
        ValueError: ``reach_mm`` is not a positive number.
    """

    reach_mm: float

    def __post_init__(self) -> None:
        _check_length("edt", "reach_mm", self.reach_mm)

    def __call__(
        self, index: NDArray[Any], shape: tuple[int, ...], spacing_mm: tuple[float, ...]
    ) -> NDArray[np.float32]:
        slope = np.float32(1 / self.reach_mm)
        return _draw(
            index, shape, spacing_mm, self.reach_mm, lambda squared_mm2: 1 - np.minimum(np.sqrt(squared_mm2) * slope, 1)
        )


ENCODINGS: dict[str, type[Any]] = {
    each.__name__: each for each in (PointEncoding, GaussianEncoding, DiskEncoding, EdtEncoding)
}


def nearest_voxels(index: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The voxels (n, d) that hold the positions (n, d); halves go to the even one, as in the paper, never outside."""
    index = np.asarray(index, float)
    size = np.asarray(shape)
    assert index.ndim == 2, f"index {index.shape}, expected (n, {len(shape)})"
    assert index.shape[1] == len(shape), f"index {index.shape} in an image {shape}"
    assert np.all((index >= -0.5 - _EDGE_VOXELS) & (index <= size - 0.5 + _EDGE_VOXELS)), f"{index} outside {shape}"
    return np.asarray(np.clip(np.rint(index), 0, size - 1), dtype=np.int64)


def _draw(
    index: NDArray[Any],
    shape: tuple[int, ...],
    spacing_mm: tuple[float, ...],
    reach_mm: float,
    profile: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """The maximum over the clicks of ``profile(squared distance in mm2)``, up to ``reach_mm`` along each axis."""
    channel = np.zeros(shape, np.float32)
    reach = [int(reach_mm / spacing + _ROUNDING) for spacing in spacing_mm]
    for voxel in nearest_voxels(index, shape):
        box = tuple(slice(max(at - r, 0), min(at + r + 1, n)) for at, r, n in zip(voxel, reach, shape, strict=True))
        along_mm2 = [
            np.square((np.arange(part.start, part.stop) - at) * spacing).astype(np.float32)
            for part, at, spacing in zip(box, voxel, spacing_mm, strict=True)
        ]
        squared_mm2 = along_mm2[0]
        for further_mm2 in along_mm2[1:]:
            squared_mm2 = squared_mm2[..., None] + further_mm2
        np.maximum(channel[box], profile(squared_mm2), out=channel[box])
    return channel


def _check_length(encoding: str, key: str, value: float) -> None:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise ValueError(f"clicks: {key} of the {encoding} encoding is {value!r}; give a length in mm, more than 0")
