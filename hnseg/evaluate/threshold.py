"""The threshold of a network whose output is compared with it as it is, chosen on slices that it trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg.evaluate.slice_dice import dice_of_counts

THRESHOLDS: NDArray[np.float64] = np.arange(100) / 100
"""0.00 to 0.99: the authors' grid."""


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the median over slices of their Dice with it."""

    value: float
    median_dice: float


def choose_threshold(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> Threshold:
    """The first of `THRESHOLDS` with the highest median slice Dice; a pixel is positive where its score is above it.

    Rainio et al. 2024, doi:10.1007/s13721-024-00483-0, section 2.3, choose it from the predictions of the training set
    and do not say how. An earlier notebook of theirs takes this grid, this measure and the first maximum; their last
    one has numbers that were typed by hand.

    Args:
        scores: (n, Y, X), the network's output, which may leave [0, 1]; read once.
        truth: (n, Y, X).

    Raises:
        ValueError: a score is not finite, or there are no slices.
    """
    assert scores.shape == truth.shape, f"scores {scores.shape}, truth {truth.shape}"
    if not len(scores):
        raise ValueError("a threshold is chosen on slices that show a structure, and there are none")
    medians = np.median(_dice(scores, truth), axis=0)
    best = int(np.argmax(medians))
    return Threshold(float(THRESHOLDS[best]), float(medians[best]))


def _dice(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, thresholds): Dice of every slice with every threshold, from one histogram a slice."""
    grid = THRESHOLDS.astype(scores.dtype)  # compared in the scores' own precision, as torch does
    bins = len(grid) + 1
    dice = np.empty((len(scores), len(grid)))
    for row, slice_scores, slice_truth in zip(dice, scores, truth, strict=True):
        if not np.isfinite(slice_scores.sum(dtype=np.float64)):
            raise ValueError("the network's answer is not finite, so that no threshold can be chosen")
        exceeded = np.searchsorted(grid, slice_scores.ravel(), side="left")  # how many thresholds a score is above
        positive = _above(np.bincount(exceeded, minlength=bins))
        shared = _above(np.bincount(exceeded[slice_truth.ravel()], minlength=bins))
        row[:] = dice_of_counts(shared, positive + np.count_nonzero(slice_truth))
    return dice


def _above(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """(thresholds,): pixels above each, from pixels by how many thresholds they are above."""
    return np.cumsum(histogram[::-1])[::-1][1:]
