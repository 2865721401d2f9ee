"""Patients at low and at high risk, out of fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hnseg.survival.statistics.folds import FoldRisks, by_repeat


def high_risk(folds: Sequence[FoldRisks]) -> dict[str, bool]:
    """Patient to whether their out-of-fold risk is high; greater risk means event earlier.

    Each fold has a cut of its own, because risks of different folds are on different scales: the median risk of its
    training patients where that is kept (``train_risk``), which knows nothing of those who are tested, else the
    median of its test patients. A patient is at high risk where more than half of the repeats say so: above the cut;
    at it is low. Nobody whose risk is NaN in all repeats is in the result.

    Raises:
        ValueError: somebody is tested twice in a repeat.
    """
    votes: dict[str, list[bool]] = {}
    for fold in (fold for of_repeat in by_repeat(folds) for fold in of_repeat):
        cut = _median(fold.risk if fold.train_risk is None else fold.train_risk)
        for patient, risk in zip(fold.test.patients, fold.risk, strict=True):
            if not np.isnan(risk):
                votes.setdefault(patient, []).append(bool(risk > cut))
    return {patient: sum(said) * 2 > len(said) for patient, said in votes.items()}


def _median(risk: np.ndarray) -> float:
    """Of what is known; the lower of the middle two, because a mean of infinite ones is none."""
    known = np.sort(risk[~np.isnan(risk)])
    return float(known[(len(known) - 1) // 2]) if len(known) else float("nan")
