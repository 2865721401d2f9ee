"""Two names for one patient: images with the same voxels, and images that look the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg.types import Volume

BLOCKS = 16
LIKENESS = 0.998
"""Correlation of block means above which two images count as one patient's (see docs/datasets/table.md)."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of an image to compare it with others.

    Attributes:
        case_id: the patient.
        file: the image file.
        digest: of shape and voxels, so that a file that was compressed anew has the same.
        look: (BLOCKS ** 3,) standardised block means.
    """

    case_id: str
    file: str
    digest: str
    look: NDArray[np.float32]


def fingerprint(case_id: str, path: Path, volume: Volume) -> Fingerprint:
    """The fingerprint of one image."""
    array = np.ascontiguousarray(volume.array)
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(array.astype(np.float32, copy=False).data)
    return Fingerprint(case_id, str(path), digest.hexdigest(), look(array))


def same_content(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether both images have the same shape and voxels."""
    return one.digest == other.digest


def same_look(one: Fingerprint, other: Fingerprint) -> float | None:
    """The correlation of two images where it is above `LIKENESS`, else None."""
    likeness = float(np.mean(one.look * other.look))
    return likeness if likeness > LIKENESS else None


def look(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Means over a 16 x 16 x 16 division of the image, standardised; air and bone clipped so that metal does not
    rule."""
    means = np.clip(array, -1000, 1000).astype(np.float32)
    for axis in range(3):
        edges = np.linspace(0, means.shape[axis], min(BLOCKS, means.shape[axis]) + 1).astype(int)
        sums = np.add.reduceat(means, edges[:-1], axis=axis)
        lengths = np.diff(edges).reshape([-1 if a == axis else 1 for a in range(3)])
        means = np.repeat(sums / lengths, -(-BLOCKS // lengths.size), axis=axis).take(range(BLOCKS), axis=axis)
    standardised = (means - means.mean()) / max(float(means.std()), 1e-6)
    return np.asarray(standardised.ravel(), np.float32)
