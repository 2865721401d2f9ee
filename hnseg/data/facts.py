"""What the training patients are made of: how often each structure occurs, and how its voxels look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hnseg.prepare import Case
from hnseg.types import TrainingCounts


def training_counts(cases: Sequence[Case], spatial_dims: int) -> TrainingCounts:
    """How often each structure is annotated, and shown in slices (2-D) or patients (3-D)."""
    names = cases[0].label_names
    annotated = np.array([case.annotated for case in cases])
    shown = np.zeros(len(names), int)
    for case in cases:
        assert case.label is not None
        planes = np.stack([np.bincount(np.asarray(plane).ravel(), minlength=len(names) + 1) for plane in case.label])
        slices = (planes[:, 1:] > 0).sum(axis=0)
        shown += slices if spatial_dims == 2 else slices > 0
    return TrainingCounts(
        structures=tuple(names),
        patients=len(cases),
        annotated=tuple(annotated.sum(axis=0).tolist()),
        complete=int(annotated.all(axis=1).sum()),
        shown=tuple(shown.tolist()),
    )
