"""Randomness of the phantom: keyed generators, and smooth noise that does not depend on the voxel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg.phantom.shapes import Field

STREAMS = ("anatomy", "lesions", "clinical", "outcome", "warp", "ct", "pet", "gaps", "stack")
"""What is drawn independently: a change in one leaves the others as they were."""


def generator(seed: int, index: int, stream: str) -> np.random.Generator:
    """The generator of patient ``index`` for one of `STREAMS`: a pure function of its three arguments.

    Counter-based (Salmon et al. 2011, doi:10.1145/2063384.2063405): seed and index are the key, the stream is the
    highest word of the counter, so that streams never meet.
    """
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, 1 + STREAMS.index(stream)]))


@dataclass(frozen=True)
class SmoothNoise:
    """A sum of plane waves in space: mean 0, standard deviation 1, features of about half a wavelength.

    Attributes:
        waves: (K, 3) wave vectors in radians a mm.
        phases: (K,) in radians.
    """

    waves: NDArray[np.float32]
    phases: NDArray[np.float32]

    @classmethod
    def draw(cls, random: np.random.Generator, wavelength_mm: float, count: int = 8) -> SmoothNoise:
        """Waves in random directions, with wavelengths within a factor of 1.4 of ``wavelength_mm``."""
        directions = random.standard_normal((count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * np.exp(random.uniform(-0.35, 0.35, (count, 1)))
        phases = random.uniform(0, 2 * np.pi, count)
        return cls((2 * np.pi * directions / lengths).astype(np.float32), phases.astype(np.float32))

    def values(self, x: Field, y: Field, z: Field) -> Field:
        """Noise at the points x, y, z (mm; arrays that broadcast)."""
        total = np.zeros(np.broadcast(x, y, z).shape, np.float32)
        for (a, b, c), phase in zip(self.waves, self.phases, strict=True):
            total += np.cos(a * x + b * y + c * z + phase)
        return total * np.float32(np.sqrt(2 / len(self.phases)))
