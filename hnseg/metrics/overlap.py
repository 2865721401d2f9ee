"""Overlap of two masks: Dice, precision, recall and volume, each with its answer for empty masks.

Answers for empty masks, the same everywhere in hnseg:

=============  ==============  ==================  =================  =================
case           ``dice``        ``precision``       ``recall``         ``aggregated_dice``
=============  ==============  ==================  =================  =================
both empty     1               nan                 nan                adds nothing
only truth     0               nan (0 / 0)         0                  lowers it
only predict.  0               0                   nan (0 / 0)        lowers it
=============  ==============  ==================  =================  =================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OverlapCounts:
    """Voxels that prediction and truth share, and voxels of each; counts of several cases can be added."""

    intersection: int
    prediction: int
    truth: int

    def __add__(self, other: OverlapCounts) -> OverlapCounts:
        return OverlapCounts(
            self.intersection + other.intersection, self.prediction + other.prediction, self.truth + other.truth
        )

    @property
    def dice(self) -> float:
        """2 |A n B| / (|A| + |B|) (Dice 1945, doi:10.2307/1932409); 1 where both are empty."""
        total = self.prediction + self.truth
        return 2 * self.intersection / total if total else 1.0

    @property
    def precision(self) -> float:
        """|A n B| / |prediction|; nan where the prediction is empty."""
        return self.intersection / self.prediction if self.prediction else float("nan")

    @property
    def recall(self) -> float:
        """|A n B| / |truth|; nan where the truth is empty."""
        return self.intersection / self.truth if self.truth else float("nan")


def overlap_counts(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> OverlapCounts:
    """Count two boolean masks of one shape once, for every measure of overlap.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"the masks need one shape; prediction has {prediction.shape}, truth has {truth.shape}")
    prediction, truth = prediction.astype(bool, copy=False), truth.astype(bool, copy=False)
    shared = int(np.count_nonzero(prediction & truth))
    return OverlapCounts(shared, int(np.count_nonzero(prediction)), int(np.count_nonzero(truth)))


def dice(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice coefficient of two boolean masks; 1 where both are empty."""
    return overlap_counts(prediction, truth).dice


def precision(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Share of the predicted voxels that are true (positive predictive value); nan for an empty prediction."""
    return overlap_counts(prediction, truth).precision


def recall(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Share of the true voxels that are predicted (sensitivity); nan for an empty truth."""
    return overlap_counts(prediction, truth).recall


def slice_dice(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], axis: int) -> float:
    """Mean Dice of the slices across ``axis`` whose truth shows the structure; nan where none does.

    As Jain and Virtanen compute it (hnseg's `jain2020` experiments): what is outlined elsewhere costs nothing, so this
    is no Dice of the volume. Theirs is a mean over batches of slices, in which a structure that no slice of a batch
    shows scores 0, and on slices resized to 256 pixels; neither is done here.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"the masks need one shape; prediction has {prediction.shape}, truth has {truth.shape}")
    others = tuple(other for other in range(truth.ndim) if other != axis % truth.ndim)
    true = np.count_nonzero(truth, axis=others)
    sizes = true + np.count_nonzero(prediction, axis=others)
    shared = np.count_nonzero(prediction & truth, axis=others)
    shown = true > 0
    return float((2 * shared[shown] / sizes[shown]).mean()) if shown.any() else float("nan")


def volume_mm3(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> float:
    """Volume of a boolean mask with voxels of ``spacing_mm`` (z, y, x)."""
    return float(np.count_nonzero(mask) * np.prod(spacing_mm))


def aggregated_dice(counts: Iterable[OverlapCounts]) -> float:
    """One Dice over all cases: 2 sum |A n B| / sum (|A| + |B|); nan where no case holds the structure.

    The measure of HECKTOR 2022 (Andrearczyk et al. 2023, doi:10.1007/978-3-031-27420-6_1): a case without the structure
    costs nothing when the prediction is empty too, and its false positives still count.
    """
    total = sum(counts, start=OverlapCounts(0, 0, 0))
    voxels = total.prediction + total.truth
    return 2 * total.intersection / voxels if voxels else float("nan")
