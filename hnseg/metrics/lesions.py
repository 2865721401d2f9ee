"""How many lesions were found: connected pieces of two masks, matched one to one by their overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hnseg.geometry.components import label_components


@dataclass(frozen=True)
class LesionCounts:
    """Lesions that were hit, predicted ones that are none, and true ones that were missed; counts can be added."""

    hit: int
    false: int
    missed: int

    def __add__(self, other: LesionCounts) -> LesionCounts:
        return LesionCounts(self.hit + other.hit, self.false + other.false, self.missed + other.missed)

    @property
    def f1(self) -> float:
        """2 hit / (2 hit + false + missed); nan where there is no lesion in either mask."""
        total = 2 * self.hit + self.false + self.missed
        return 2 * self.hit / total if total else float("nan")


def lesion_counts(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], iou_above: float = 0.3) -> LesionCounts:
    """Count lesions of two boolean masks (Z, Y, X); a hit is a pair with intersection over union above ``iou_above``.

    Voxels that share a face, an edge or a corner are one lesion. HECKTOR 2025 takes 0.3. How it pairs lesions where
    several are above the threshold we did not find; here a lesion takes part in one pair at most, and the pairs with
    the most overlap in all are taken.
    """
    predicted, n_predicted = label_components(prediction)
    true, n_true = label_components(truth)
    if not n_predicted or not n_true:
        return LesionCounts(0, n_predicted, n_true)
    pair = predicted.astype(np.int64).ravel() * (n_true + 1) + true.ravel()
    shared = np.bincount(pair, minlength=(n_predicted + 1) * (n_true + 1)).reshape(n_predicted + 1, n_true + 1)
    sizes = shared.sum(axis=1)[1:, None] + shared.sum(axis=0)[None, 1:]
    iou = shared[1:, 1:] / (sizes - shared[1:, 1:])
    iou[iou <= iou_above] = 0
    hit = int(np.count_nonzero(iou[linear_sum_assignment(iou, maximize=True)]))
    return LesionCounts(hit, n_predicted - hit, n_true - hit)


def aggregated_f1(counts: Iterable[LesionCounts]) -> float:
    """One F1 over the lesions of all cases together (HECKTOR 2025); nan where no case has a lesion."""
    return sum(counts, start=LesionCounts(0, 0, 0)).f1
