"""The deformation of a plane that both organ papers share: an affine map from three points, then smooth noise.

Both took it, with numbers of their own, from the same public function after Simard, Steinkraus, Platt 2003,
doi:10.1109/ICDAR.2003.1227801; so did albumentations until version 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

SMALLEST_AREA = 0.25
"""Of the moved triangle to the regular one. A flat one would be drawn out over the whole plane, one turned over would
mirror it. With a jitter of 50 of 256 pixels one draw in 270 is drawn again, with that of AnatomyNet none."""


def check_jitter(jitter: float) -> float:
    """The jitter; raises ValueError where points could change places."""
    if not 0 <= jitter < 1 / 3:
        raise ValueError(f"jitter is {jitter}; from a third of the shorter side on the three points can change places")
    return jitter


def draw_affine(rng: np.random.Generator, size_yx: tuple[int, int], jitter: float) -> NDArray[np.float64]:
    """(2, 3): position (y, x, 1) in the output to (y, x) in the input, in pixels.

    Three corners of a square about the middle, a third of the shorter side s away along both axes, move by up to
    ``jitter`` s along each axis, evenly distributed; the affine map follows them.
    """
    middle, third = np.array(size_yx) // 2, min(size_yx) // 3
    corners = middle + third * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    while True:
        moved = corners + rng.uniform(-jitter, jitter, (3, 2)) * min(size_yx)
        if _area(moved) >= SMALLEST_AREA * _area(corners):
            break
    # Rows (y, x, 1) of the moved corners, times the map's transpose, are the corners that they came from.
    sampling: NDArray[np.float64] = np.linalg.solve(np.column_stack([moved, np.ones(3)]), corners).T
    return sampling


def _area(triangle: NDArray[np.float64]) -> float:
    """Signed, twice."""
    (ay, ax), (by, bx) = triangle[1:] - triangle[0]
    return float(by * ax - bx * ay)


def smooth_noise(
    rng: np.random.Generator, size_yx: tuple[int, int], sigma_yx: tuple[float, float]
) -> NDArray[np.float32]:
    """(2, Y, X): two images of white noise, even from -1 to 1, each smoothed by a Gaussian of ``sigma_yx`` pixels.

    Borders are reflected, as SciPy's ``gaussian_filter`` does. For such wide Gaussians two products with a dense
    matrix are many times as fast as its sums over eight sigmas.
    """
    noise = np.float32(2) * rng.random((2, *size_yx), np.float32) - np.float32(1)
    along_y, along_x = (_smoothing(n, sigma) for n, sigma in zip(size_yx, sigma_yx, strict=True))
    return cast("NDArray[np.float32]", along_y @ noise @ along_x.T)


def noise_sd(sigma_yx: tuple[float, float]) -> float:
    """Standard deviation of ``smooth_noise`` far from borders, for sigmas of more than one pixel."""
    return float(1 / np.sqrt(3 * 4 * np.pi * sigma_yx[0] * sigma_yx[1]))


@lru_cache(maxsize=16)
def _smoothing(size: int, sigma: float) -> NDArray[np.float32]:
    """(size, size) matrix that smooths along an axis."""
    matrix: NDArray[np.float32] = gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect").astype(np.float32)
    return matrix


def sampling_yx(affine: NDArray[np.float64], displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, Y, X) positions in the input, in pixels, of every pixel of the output.

    Both papers' code maps the image twice, first affinely and then by the ``displacement`` (2, Y, X) in pixels; this
    is both in one, so that it is interpolated once.
    """
    y, x = (np.arange(n, dtype=np.float32) for n in displacement.shape[1:])
    moved_y, moved_x = displacement[0] + y[:, None], displacement[1] + x
    (a, b, c), (d, e, f) = affine.astype(np.float32)
    return np.stack([a * moved_y + b * moved_x + c, d * moved_y + e * moved_x + f])
