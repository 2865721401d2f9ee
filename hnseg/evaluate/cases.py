"""One patient's scores: a row for each structure, measured in mm on the patient's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.evaluate.label_maps import label_boxes, label_pair
from hnseg.evaluate.tolerances import Tolerance, tolerance_of
from hnseg.metrics.lesions import lesion_counts
from hnseg.metrics.overlap import OverlapCounts, overlap_counts, slice_dice
from hnseg.metrics.surface import surface_distances
from hnseg.types import Grid, Volume

Row = dict[str, Any]
_DISTANCES = ("hd95_mm", "hd95_pooled_mm", "hd95_surface_mm", "hausdorff_mm", "average_hausdorff_mm", "assd_mm")
MISSED: Row = {
    **dict.fromkeys(("dice", "precision", "recall", "surface_dice"), 0.0),
    **dict.fromkeys(_DISTANCES, float("inf")),
    "answered": False,
}
"""What stands instead, where there was no usable prediction, in the row of an empty one."""


def evaluate_case(
    prediction: Volume,
    truth: Volume,
    label_names: Sequence[str],
    annotated: Sequence[bool],
    *,
    case_id: str,
    centre: str,
    tolerance_mm: Tolerance = None,
) -> list[Row]:
    """Score a predicted label map against the true one; structures that nobody annotated get no row.

    Keys of a row: ``case``, ``centre``, ``structure``, ``dice``, ``dice_slices`` (see
    :func:`hnseg.metrics.overlap.slice_dice`, on the truth's own axial slices), ``precision``, ``recall``,
    ``volume_mm3``, ``truth_volume_mm3``, ``intersection_mm3``, ``hd95_mm`` (larger directed percentile),
    ``hd95_pooled_mm``, ``hd95_surface_mm`` (by surface elements), ``hausdorff_mm``, ``average_hausdorff_mm``,
    ``assd_mm``, ``surface_dice`` at ``tolerance_mm``, which is a column, too, ``lesions_hit``, ``lesions_false``,
    ``lesions_missed``, and ``answered``, which is False only for a patient without a prediction. What empty masks score
    is in :mod:`hnseg.metrics.overlap` and :mod:`hnseg.metrics.surface`.

    Args:
        prediction, truth: label maps on one grid; value ``i`` is ``label_names[i - 1]``, 0 is background.
        label_names: structures.
        annotated: one flag a structure.
        case_id, centre: copied into each row.
        tolerance_mm: distance within which surfaces agree, for the surface Dice; None for each organ's own (see
            :mod:`hnseg.evaluate.tolerances`; 1.0 mm for what is no organ).

    Raises:
        ValueError: the grids differ, or a label map holds a value that no label name stands for.
    """
    refuse_other_grid(prediction.grid, truth.grid, case_id)
    predicted = label_boxes(prediction.array, len(label_names), f"prediction of {case_id}")
    true = label_boxes(truth.array, len(label_names), f"truth of {case_id}")
    rows = []
    for index, (name, known) in enumerate(zip(label_names, annotated, strict=True)):
        if known:
            boxes = predicted[index], true[index]
            masks = label_pair(prediction.array, truth.array, index + 1, boxes)
            head = {"case": case_id, "centre": centre, "structure": name}
            rows.append(head | score_masks(*masks, truth.grid, tolerance_of(name, tolerance_mm)))
    return rows


def missed_case(
    truth: Volume,
    label_names: Sequence[str],
    annotated: Sequence[bool],
    *,
    case_id: str,
    centre: str,
    tolerance_mm: Tolerance = None,
) -> list[Row]:
    """Rows of a patient without a usable prediction: Dice, precision, recall and surface Dice 0, distances inf.

    Raises:
        ValueError: the label map holds a value that no label name stands for.
    """
    nothing = Volume(np.zeros(truth.grid.shape_zyx, np.uint8), truth.grid)
    about = {"case_id": case_id, "centre": centre}
    rows = evaluate_case(nothing, truth, label_names, annotated, tolerance_mm=tolerance_mm, **about)
    return [row | MISSED for row in rows]


def score_masks(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], grid: Grid, tolerance_mm: float) -> Row:
    """All measures of one structure; the masks (Z, Y, X) may be cut alike, to what holds all voxels of both.

    Args:
        prediction, truth: masks of one shape.
        grid: gives spacing and direction.
        tolerance_mm: of the surface Dice.
    """
    distances = surface_distances(prediction, truth, grid.spacing_mm)
    counts: OverlapCounts = overlap_counts(distances.prediction, distances.truth)
    lesions = lesion_counts(distances.prediction, distances.truth)
    voxel_volume_mm3 = grid.voxel_volume_mm3
    return {
        "dice": counts.dice,
        "dice_slices": slice_dice(distances.prediction, distances.truth, axial_axis(grid)),
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
        "tolerance_mm": tolerance_mm,
        "lesions_hit": lesions.hit,
        "lesions_false": lesions.false,
        "lesions_missed": lesions.missed,
        "answered": True,
    }


def axial_axis(grid: Grid) -> int:
    """The array axis that runs most along the patient's long axis: axial slices lie across it."""
    return int(np.abs(grid.direction[2]).argmax())


def refuse_other_grid(prediction: Grid, truth: Grid, what: str) -> None:
    """ValueError where a prediction does not lie on the grid of its truth."""
    if not prediction.matches(truth):
        raise ValueError(
            f"{what}: the prediction lies on {_describe(prediction)}, the truth on {_describe(truth)}; "
            "put the prediction on the grid of the truth first (resample=true does)"
        )


def _describe(grid: Grid) -> str:
    spacing = " x ".join(f"{v:g}" for v in grid.spacing_mm)
    origin = ", ".join(f"{v:g}" for v in grid.origin_mm)
    return f"{grid.shape_zyx} voxels of {spacing} mm from ({origin}) mm"
