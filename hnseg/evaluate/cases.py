"""One patient's scores: a row for each structure, measured in mm on the patient's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.metrics.lesions import lesion_counts
from hnseg.metrics.overlap import OverlapCounts, overlap_counts
from hnseg.metrics.surface import SurfaceDistances, surface_distances
from hnseg.types import Grid, Volume

Row = dict[str, Any]


def evaluate_case(
    prediction: Volume,
    truth: Volume,
    label_names: Sequence[str],
    annotated: Sequence[bool],
    *,
    case_id: str,
    centre: str,
    tolerance_mm: float = 1.0,
) -> list[Row]:
    """Score a predicted label map against the true one; structures that nobody annotated get no row.

    Keys of a row: ``case``, ``centre``, ``structure``, ``dice``, ``precision``, ``recall``, ``volume_mm3``,
    ``truth_volume_mm3``, ``intersection_mm3``, ``hd95_mm`` (larger directed percentile), ``hd95_pooled_mm``,
    ``hd95_surface_mm`` (by surface elements), ``hausdorff_mm``, ``average_hausdorff_mm``, ``assd_mm``, ``surface_dice``
    (at ``tolerance_mm``), ``lesions_hit``, ``lesions_false``, ``lesions_missed``, and ``answered``, which is False only
    for a patient without a prediction. What empty masks score is in :mod:`hnseg.metrics.overlap` and
    :mod:`hnseg.metrics.surface`.

    Args:
        prediction, truth: label maps on one grid; value ``i`` is ``label_names[i - 1]``, 0 is background.
        label_names: structures.
        annotated: one flag a structure.
        case_id, centre: copied into each row.
        tolerance_mm: distance within which surfaces agree, for the surface Dice.

    Raises:
        ValueError: the grids differ, or a label map holds a value that no label name stands for.
    """
    if not prediction.grid.matches(truth.grid):
        raise ValueError(
            f"{case_id}: the prediction lies on {_describe(prediction.grid)}, the truth on {_describe(truth.grid)}; "
            "put the prediction on the grid of the truth first (resample=true does)"
        )
    predicted = _checked_labels(prediction.array, len(label_names), f"prediction of {case_id}")
    true = _checked_labels(truth.array, len(label_names), f"truth of {case_id}")
    rows = []
    for value, (name, known) in enumerate(zip(label_names, annotated, strict=True), start=1):
        if known:
            distances = surface_distances(predicted == value, true == value, truth.spacing_mm)
            head = {"case": case_id, "centre": centre, "structure": name}
            rows.append(head | _scores(distances, truth.grid.voxel_volume_mm3, tolerance_mm))
    return rows


def missed_case(
    truth: Volume, label_names: Sequence[str], annotated: Sequence[bool], *, case_id: str, centre: str
) -> list[Row]:
    """Rows of a patient without a usable prediction: Dice, precision, recall and surface Dice 0, distances inf.

    Raises:
        ValueError: the label map holds a value that no label name stands for.
    """
    nothing = Volume(np.zeros(truth.grid.shape_zyx, np.uint8), truth.grid)
    rows = evaluate_case(nothing, truth, label_names, annotated, case_id=case_id, centre=centre)
    for row in rows:
        row.update(dict.fromkeys(("dice", "precision", "recall", "surface_dice"), 0.0))
        row.update({key: float("inf") for key in row if key.endswith("_mm")})
        row["answered"] = False
    return rows


def _scores(distances: SurfaceDistances, voxel_volume_mm3: float, tolerance_mm: float) -> Row:
    """All measures of one structure. The cropped masks hold every voxel of both, so they serve for the overlap too."""
    counts: OverlapCounts = overlap_counts(distances.prediction, distances.truth)
    lesions = lesion_counts(distances.prediction, distances.truth)
    return {
        "dice": counts.dice,
        "precision": counts.precision,
        "recall": counts.recall,
        "volume_mm3": counts.prediction * voxel_volume_mm3,
        "truth_volume_mm3": counts.truth * voxel_volume_mm3,
        "intersection_mm3": counts.intersection * voxel_volume_mm3,
        "hd95_mm": distances.hd95("directed"),
        "hd95_pooled_mm": distances.hd95("pooled"),
        "hd95_surface_mm": distances.hd95("surface_elements"),
        "hausdorff_mm": distances.hausdorff(),
        "average_hausdorff_mm": distances.average_hausdorff(),
        "assd_mm": distances.average_surface_distance(),
        "surface_dice": distances.surface_dice(tolerance_mm),
        "lesions_hit": lesions.hit,
        "lesions_false": lesions.false,
        "lesions_missed": lesions.missed,
        "answered": True,
    }


def _checked_labels(array: NDArray[Any], n_labels: int, what: str) -> NDArray[Any]:
    """The label map, if every value is 0 to ``n_labels``: a mask of 0 and 255 must not pass for an empty one."""
    values = (
        np.unique(array) if array.dtype.kind == "f" else np.flatnonzero(np.bincount(array.ravel().astype(np.int64)))
    )
    strange = [float(value) for value in values if value not in range(n_labels + 1)]
    if strange:
        raise ValueError(
            f"the {what} holds the values {strange[:5]}, but {n_labels} label names allow only the whole numbers "
            f"0 to {n_labels}; name every label, or write the mask anew"
        )
    return array


def _describe(grid: Grid) -> str:
    spacing = " x ".join(f"{v:g}" for v in grid.spacing_mm)
    origin = ", ".join(f"{v:g}" for v in grid.origin_mm)
    return f"{grid.shape_zyx} voxels of {spacing} mm from ({origin}) mm"
