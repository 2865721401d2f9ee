"""Dice of single slices, as Rainio et al. 2024 have it: every slice is an image of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dice_by_slice(prediction: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """2 TP / (2 TP + FP + FN) of each slice; 0, and not 1, where prediction and truth are both empty.

    Rainio et al. 2024, doi:10.1007/s13721-024-00483-0, section 2.5, who only score slices with a tumour; their code
    answers 0 for two empty masks. :func:`hnseg.metrics.dice`, which scores patients, answers 1.

    Args:
        prediction, truth: (n, Y, X).

    Returns:
        (n,) in [0, 1].

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"the masks need one shape; prediction has {prediction.shape}, truth has {truth.shape}")
    shared = np.count_nonzero(prediction & truth, axis=(1, 2))
    return dice_of_counts(shared, np.count_nonzero(prediction, axis=(1, 2)) + np.count_nonzero(truth, axis=(1, 2)))


def dice_of_counts(shared: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.float64]:
    """Dice from pixels that prediction and truth share and the sum of the pixels of each; 0 where that sum is 0."""
    dice: NDArray[np.float64] = np.divide(2.0 * shared, sizes, out=np.zeros(np.shape(sizes)), where=sizes > 0)
    return dice
