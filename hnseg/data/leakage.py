"""The same patient must not be on both sides of a split, under whatever name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.data.splits import Split
from hnseg.prepare import Case

NEAR_DUPLICATE_CORRELATION = 0.995
"""Two scans of one patient prepared twice correlate above this; different patients stay far below."""

_SIDE = 16


def fingerprint(case: Case) -> NDArray[np.float64]:
    """A coarse picture of every modality, (C * 16^3,), zero mean and unit length in each: sees names and noise alike."""
    parts = []
    for image in case.images:
        axes = [np.linspace(0, n - 1, _SIDE).astype(int) for n in image.shape]
        coarse = np.asarray(image[np.ix_(*axes)], np.float64).ravel()
        coarse -= coarse.mean()
        parts.append(coarse / (np.linalg.norm(coarse) + 1e-12))
    return np.concatenate(parts) / np.sqrt(len(parts))


def refuse_leaks(split: Split, cases: Sequence[Case]) -> None:
    """Stop if a training patient is (nearly) the same as one of another part.

    Raises:
        ValueError: the pairs, by name, and what to do.
    """
    known: Mapping[str, Case] = {case.case_id: case for case in cases}
    train = [i for i in split.train if i in known]
    other = sorted({i for i in (*split.val, *split.test) if i in known})
    if not train or not other:
        return
    left, right = (np.stack([fingerprint(known[i]) for i in ids]) for ids in (train, other))
    if left.shape[1] != right.shape[1]:
        return
    alike = np.argwhere(left @ right.T > NEAR_DUPLICATE_CORRELATION)
    if len(alike):
        pairs = ", ".join(f"{train[a]} = {other[b]}" for a, b in alike[:5])
        raise ValueError(
            f"split {split.name}: {len(alike)} training patients are also validated or tested on, under another name "
            f"({pairs}); remove one of each pair from the data set, or give both the same part in the split"
        )
