"""What the training patients are made of: how often each structure occurs, how its voxels look, and some samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hnseg.data.sampling import Position
from hnseg.prepare import Case
from hnseg.prepare.recipe import FILL
from hnseg.types import TrainingCounts

HU_LOW, HU_WIDTH, HU_BINS = -1024.0, 64.0, 64
CANDIDATES = 8
"""Samples drawn at most for each picture, to find one that shows a structure."""


class Samples(Protocol):
    """What is asked of :class:`hnseg.data.datasets.TrainingSamples`."""

    def __len__(self) -> int: ...

    def draw(self, position: Position) -> tuple[Case, Tensor, Tensor]:
        """The case, image (C, *spatial) and label map (*spatial) of a sample before augmentation."""
        ...

    def __getitem__(self, position: Position) -> dict[str, Any]:
        """The same sample augmented: ``image`` and ``target`` are tensors of the same axes, any size."""
        ...


def training_counts(cases: Sequence[Case], spatial_dims: int) -> TrainingCounts:
    """How often each structure is annotated, and shown in slices (2-D) or patients (3-D)."""
    annotated = np.array([case.annotated for case in cases])
    slices = np.stack([_shown(_voxels(case)) for case in cases])
    shown = slices if spatial_dims == 2 else slices > 0
    return TrainingCounts(
        structures=tuple(cases[0].label_names),
        patients=len(cases),
        annotated=tuple(annotated.sum(axis=0).tolist()),
        complete=int(annotated.all(axis=1).sum()),
        shown=tuple(shown.sum(axis=0).tolist()),
    )


def training_facts(cases: Sequence[Case]) -> dict[str, Any]:
    """Counts over all prepared voxels of the training patients, plain numbers for ``facts.json``.

    Cases are read plane by plane, once.

    Returns:
        ``patients``, ``slices`` (axial) and ``voxels`` in all; ``structures``, a list of ``name``,
        ``patients_annotated``, ``patients_shown``, ``slices`` and ``voxels`` each. Where there is CT also ``hu``:
        ``edges`` of 64 bins of 64 HU from -1024 on, the counts of ``all`` voxels and of each structure by name;
        the two outermost bins hold whatever lies beyond them.
    """
    names = cases[0].label_names
    has_ct = all("ct" in case.modalities for case in cases)
    hu = np.zeros((len(names) + 1, HU_BINS), np.int64)
    planes = []
    for case in cases:
        if has_ct:
            by_hu = _voxels_by_hu(case)
            hu += by_hu.sum(axis=0)
        planes.append(by_hu.sum(axis=2) if has_ct else _voxels(case))
    slices, voxels = np.stack([_shown(one) for one in planes]), np.sum([one.sum(axis=0) for one in planes], axis=0)
    annotated = np.array([case.annotated for case in cases]).sum(axis=0)
    facts: dict[str, Any] = {
        "structures": [
            {
                "name": name,
                "patients_annotated": int(annotated[place]),
                "patients_shown": int((slices[:, place] > 0).sum()),
                "slices": int(slices[:, place].sum()),
                "voxels": int(voxels[place + 1]),
            }
            for place, name in enumerate(names)
        ],
        "patients": len(cases),
        "slices": sum(len(one) for one in planes),
        "voxels": int(voxels.sum()),
    }
    if has_ct:
        edges = (HU_LOW + HU_WIDTH * np.arange(HU_BINS + 1)).tolist()
        by_name = {name: hu[place].tolist() for place, name in enumerate(names, start=1)}
        facts["hu"] = {"edges": edges, "all": hu.sum(axis=0).tolist(), **by_name}
    return facts


def sample_pictures(samples: Samples, names: Sequence[str], count: int, epoch: int = 0) -> dict[str, NDArray[Any]]:
    """Training samples before and after augmentation, arrays for ``samples.npz``.

    They are the first of the epoch that show a structure; where too few of those that are looked at do, the first of
    the others fill up. Of a 3-D sample the axial slice with most voxels of structures is shown, before and after each
    its own. Pictures of unequal size are padded at their ends with air and background.

    Args:
        samples: a training set.
        names: of the structures.
        count: how many pictures; an epoch with fewer samples gives fewer.
        epoch: whose samples.

    Returns:
        ``before`` and ``after`` (n, Y, X) float32, the first modality in its own units; ``before_label`` and
        ``after_label`` (n, Y, X) uint8; ``names`` of the structures and ``case`` (n,) of the patients, strings.
    """
    chosen = _choose(samples, count, epoch)
    before, after, cases = [], [], []
    for position in chosen:
        case, image, label = samples.draw(position)
        augmented = samples[position]
        cases.append(case)
        before.append(_picture(image, label))
        after.append(_picture(augmented["image"], augmented["target"]))
    air = FILL.get(cases[0].modalities[0], 0.0)
    return {
        "before": _stack([image for image, _ in before], air).astype(np.float32),
        "before_label": _stack([label for _, label in before], 0).astype(np.uint8),
        "after": _stack([image for image, _ in after], air).astype(np.float32),
        "after_label": _stack([label for _, label in after], 0).astype(np.uint8),
        "names": np.array(list(names), np.str_),
        "case": np.array([case.case_id for case in cases], np.str_),
    }


def _choose(samples: Samples, count: int, epoch: int) -> list[Position]:
    showing: list[Position] = []
    others: list[Position] = []
    for index in range(min(len(samples), CANDIDATES * count)):
        _, _, label = samples.draw((epoch, index))
        (showing if bool(label.any()) else others).append((epoch, index))
        if len(showing) == count:
            break
    return [*showing, *others][:count]


def _voxels(case: Case) -> NDArray[np.int64]:
    """(Z, structures + 1): voxels of the background and of each structure in every axial slice."""
    assert case.label is not None, f"{case.case_id} has no label map to train on"
    values = len(case.label_names) + 1
    return np.stack([np.bincount(plane.ravel(), minlength=values) for plane in case.label])


def _voxels_by_hu(case: Case) -> NDArray[np.int64]:
    """(Z, structures + 1, bins): the same, by CT number."""
    assert case.label is not None, f"{case.case_id} has no label map to train on"
    values = len(case.label_names) + 1
    ct = case.images[case.modalities.index("ct")]
    counted = []
    for plane, hu in zip(case.label, ct, strict=True):
        bins = np.clip((hu.astype(np.float32) - HU_LOW) / HU_WIDTH, 0, HU_BINS - 1).astype(np.int64)
        bins += plane.astype(np.int64) * HU_BINS
        counted.append(np.bincount(bins.ravel(), minlength=values * HU_BINS))
    return np.stack(counted).reshape(-1, values, HU_BINS)


def _shown(voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(structures,): in how many slices each has a voxel."""
    return np.asarray((voxels[:, 1:] > 0).sum(axis=0))


def _picture(image: Tensor, label: Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
    """(Y, X) of the first channel and of the label map."""
    channel, outlined = image[0].numpy(), label.numpy()
    if outlined.ndim == 2:
        return channel, outlined
    best = int((outlined > 0).sum(axis=(1, 2)).argmax())
    return channel[best], outlined[best]


def _stack(pictures: Sequence[NDArray[Any]], fill: float) -> NDArray[Any]:
    """(n, Y, X) as large as the largest of them."""
    height, width = np.max([picture.shape for picture in pictures], axis=0)
    padded = [np.pad(p, [(0, height - p.shape[0]), (0, width - p.shape[1])], constant_values=fill) for p in pictures]
    return np.stack(padded)
