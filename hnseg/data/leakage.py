"""The same patient must not be on both sides of a split, under whatever name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hnseg.data.splits import Split
from hnseg.prepare import Case
from hnseg.prepare.fingerprint import LIKENESS, look


def refuse_leaks(split: Split, cases: Sequence[Case]) -> None:
    """Stop if a training patient looks the same as one of another part, in every modality.

    Raises:
        ValueError: the pairs, by name, and what to do.
    """
    known = {case.case_id: case for case in cases}
    train, other = sorted(split.train), sorted({*split.val, *split.test})
    if not other:
        return
    alike = np.ones((len(train), len(other)), bool)
    for channel in range(len(cases[0].images)):
        left, right = (np.stack([look(known[i].images[channel]) for i in ids]) for ids in (train, other))
        alike &= left @ right.T / left.shape[1] > LIKENESS
    pairs = [f"{train[a]} = {other[b]}" for a, b in np.argwhere(alike)]
    if pairs:
        raise ValueError(
            f"split {split.name}: {len(pairs)} training patients are also validated or tested on, under another name "
            f"({', '.join(pairs[:5])}); remove one of each pair, or give both the same part in the split"
        )
