"""The same patient must not be on two sides of a split, under whatever name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg.data.splits import Split
from hnseg.prepare import Case
from hnseg.prepare.fingerprint import LIKENESS, look

SHOWN = 5


def refuse_leaks(split: Split, cases: Sequence[Case]) -> None:
    """Stop if a patient of one part has the images of a patient of another: training, validation and test alike.

    Two cases are one patient's where they say so (``patient``), where any image of theirs is the same, voxel by voxel,
    or where their images look the same in every modality. The data set's own test patients, whom the ensemble of all
    folds outlines, belong to the test in every fold, unless a list of patients deals them to training or validation.
    Under the papers' protocol validation and test are one part, in a final fit validation and training.

    Raises:
        ValueError: the pairs, by part and name, and what to do.
    """
    parts: dict[str, Iterable[str]] = {"train": split.train}
    if split.protocol == "inner":
        parts["val"] = split.val
    theirs = {case.case_id for case in cases if case.part == "test"}
    parts["test"] = {*split.test, *(theirs - {*split.train, *split.val})}
    placed = [(part, case_id) for part, ids in parts.items() for case_id in sorted(ids)]
    known = {case.case_id: case for case in cases}
    ordered = [known[case_id] for _, case_id in placed]
    alike = _alike(ordered) | _of_one_patient(ordered)
    elsewhere = np.array([[one != other for other, _ in placed] for one, _ in placed])
    pairs = [
        f"{' '.join(placed[a])} = {' '.join(placed[b])}" for a, b in np.argwhere(np.triu(alike & elsewhere)).tolist()
    ]
    if pairs:
        listed = ", ".join(pairs[:SHOWN]) + (", ..." if len(pairs) > SHOWN else "")
        raise ValueError(
            f"split {split.name} has the same patient in two parts under two names, {len(pairs)} times "
            f"({listed}); remove one of each pair, or give both the same part in the split"
        )


def _alike(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """(n, n): which of the cases are one patient."""
    same, looks_same = np.zeros((len(cases),) * 2, bool), np.ones((len(cases),) * 2, bool)
    for channel in range(len(cases[0].images)):
        digests, looks = zip(*(_marks(case, channel) for case in cases), strict=True)
        _, number = np.unique(digests, return_inverse=True)
        same |= (number[:, None] == number) & (np.array(digests) != "")
        stacked = np.stack(looks)
        looks_same &= stacked @ stacked.T / stacked.shape[1] > LIKENESS
    return same | looks_same


def _of_one_patient(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """(n, n): which cases are of one patient by what their table says."""
    names = np.array([case.patient or f"case {case.case_id}" for case in cases])
    return np.asarray(names[:, None] == names)


def _marks(case: Case, channel: int) -> tuple[str, NDArray[np.float32]]:
    """(hash of shape and voxels, standardised block means); an image of one value, which says nothing, has no hash."""
    known = (case.folder, case.key, channel)
    if known not in _MARKS:  # a cross-validation asks once a fold
        _MARKS[known] = _look_at(case.images[channel])
    return _MARKS[known]


_MARKS: dict[tuple[Path, str, int], tuple[str, NDArray[np.float32]]] = {}


def _look_at(array: NDArray[np.generic]) -> tuple[str, NDArray[np.float32]]:
    seen = look(array)
    if not seen.any():
        return "", seen
    digest = hashlib.sha256(repr((array.shape, array.dtype.str)).encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest(), seen
