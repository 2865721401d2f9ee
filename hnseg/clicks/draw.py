"""Clicks of a training sample: any number from none on, so that one network serves without and with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.clicks.simulate import SpacingMm, centre_of, clicks_at, components_of
from hnseg.types import Clicks

HOT_SHARE = 0.01
BESIDE_MM = 20.0

_TRIES = 100

Voxels = NDArray[np.int64]


def draw_some(
    label: NDArray[Any],
    image: NDArray[Any] | None,
    spacing_mm: SpacingMm,
    most: int,
    centre: bool,
    negatives: bool,
    rng: np.random.Generator,
) -> Clicks:
    """0 to ``most`` clicks, each number as likely as the others.

    With ``negatives`` the first click is positive and each further one negative with probability 1/2; on a label
    without structure all are negative. Without ``negatives`` all are positive, and a label without structure has none.

    Positive clicks go to components in random order, to each once before any gets another: to its centre of mass with
    ``centre``, else to a random voxel of it. Further ones go to a random voxel of a random component, with ``centre``
    as well, because a second click on the same voxel says nothing. Negative clicks go, with probability 1/2 each, to
    the hottest background (see :func:`hottest`) where there is an image, else beside a structure (:func:`beside`).

    Args:
        label: (*s) label map.
        image: (C, *s), the modalities; the last one has the heat.
        spacing_mm: of the axes.
        most: 1 or more.
    """
    count = int(rng.integers(most + 1))
    found = components_of(label)
    negative = rng.random(count) < 0.5 if negatives else np.zeros(count, bool)
    negative[: count if not found else 1] = not found
    if count == 0 or not (found or negatives):
        return Clicks.none(spacing_mm)
    right = _positive(found, int((~negative).sum()), centre, rng)
    wrong = _negative(label, image, found, int(negative.sum()), spacing_mm, rng)
    return clicks_at(right + wrong, spacing_mm)


def hottest(image: NDArray[Any], label: NDArray[Any]) -> Voxels:
    """Flat indices of the hottest hundredth of the background in the last modality, and of all that are as hot.

    Args:
        image: (C, *s).
        label: (*s) label map.
    """
    background, heat = np.asarray(label) == 0, np.asarray(image)[-1]
    cold_first = heat[background]
    if cold_first.size == 0:
        return np.zeros(0, np.int64)
    last = min(int(cold_first.size * (1 - HOT_SHARE)), cold_first.size - 1)
    cold_first.partition(last)
    return np.flatnonzero(background & (heat >= cold_first[last]))


def beside(
    label: NDArray[Any], found: list[tuple[int, Voxels]], spacing_mm: SpacingMm, rng: np.random.Generator
) -> Voxels | None:
    """A voxel (d,) of the background at most 20 mm from a structure; anywhere in the background where there is none.

    It is found by stepping from a random voxel of a random component in a random direction, until that leads into the
    background of the image: a distance transform of a whole volume would cost more than the training step.

    Returns:
        None where there is no background.
    """
    shape = np.asarray(label.shape)
    if found:
        _, voxels = found[rng.integers(len(found))]
        start = voxels[rng.integers(len(voxels), size=_TRIES)]
        steps = rng.standard_normal(start.shape)
        lengths_mm = BESIDE_MM * rng.random((_TRIES, 1)) ** (1 / start.shape[1])  # even over the ball
        steps *= lengths_mm / np.linalg.norm(steps, axis=1, keepdims=True)
        reached = start + np.trunc(steps / np.asarray(spacing_mm)).astype(np.int64)  # towards the start: never further
        reached = reached[np.all((reached >= 0) & (reached < shape), axis=1)]
        reached = reached[label[tuple(reached.T)] == 0]
        if len(reached):
            return np.asarray(reached[0])
    background = np.flatnonzero(label == 0)
    return _unravel(rng.choice(background), label.shape) if background.size else None


def _positive(
    found: list[tuple[int, Voxels]], count: int, centre: bool, rng: np.random.Generator
) -> list[tuple[int, NDArray[Any]]]:
    placed: list[tuple[int, NDArray[Any]]] = []
    order = rng.permutation(len(found))
    for number in range(count):
        first = number < len(order)
        value, voxels = found[order[number] if first else rng.integers(len(found))]
        placed.append((value, centre_of(voxels) if first and centre else voxels[rng.integers(len(voxels))]))
    return placed


def _negative(
    label: NDArray[Any],
    image: NDArray[Any] | None,
    found: list[tuple[int, Voxels]],
    count: int,
    spacing_mm: SpacingMm,
    rng: np.random.Generator,
) -> list[tuple[int, NDArray[Any]]]:
    hot = rng.random(count) < (0.5 if image is not None else 0.0)
    hottest_flat = hottest(image, label) if image is not None and hot.any() else np.zeros(0, np.int64)
    placed: list[tuple[int, NDArray[Any]]] = []
    for on_heat in hot:
        voxel = (
            _unravel(rng.choice(hottest_flat), label.shape)
            if on_heat and hottest_flat.size
            else beside(label, found, spacing_mm, rng)
        )
        if voxel is not None:
            placed.append((0, voxel))
    return placed


def _unravel(flat: int, shape: tuple[int, ...]) -> Voxels:
    return np.array(np.unravel_index(int(flat), shape), np.int64)
