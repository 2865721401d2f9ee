"""One mask on disk against one truth: how files are read, brought to one grid and scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnseg.evaluate.cases import Row, evaluate_case, missed_case
from hnseg.evaluate.pairing import centre_of
from hnseg.evaluate.tolerances import Tolerance
from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.types import BoxMm, Grid, Volume


@dataclass(frozen=True)
class Scoring:
    """How each pair of files is scored.

    Attributes:
        label_names: structures; value ``i`` of a mask is ``label_names[i - 1]``.
        tolerance_mm: for the surface Dice; None for each organ's own, and 1.0 mm for what is no organ.
        resample: bring a prediction on another grid to that of the truth (nearest neighbour); else that patient fails.
        boxes: patient to the box inside which the organisers of 2020 and 2021 score; patients without one count whole.
        centres: patient to centre; others by the letters that their name begins with.
    """

    label_names: tuple[str, ...]
    tolerance_mm: Tolerance = None
    resample: bool = False
    boxes: Mapping[str, BoxMm] | None = None
    centres: Mapping[str, str] | None = None


@dataclass(frozen=True, eq=False)
class TrueMask:
    """What a patient's masks are scored against.

    Attributes:
        case_id: the patient.
        centre: hospital code.
        volume: label map.
        annotated: for each structure whether somebody looked for it.
    """

    case_id: str
    centre: str
    volume: Volume
    annotated: tuple[bool, ...]

    def missed(self, label_names: Sequence[str], tolerance_mm: Tolerance = None) -> list[Row]:
        """Rows of a patient without a usable mask; see :func:`hnseg.evaluate.cases.missed_case`."""
        about = {"case_id": self.case_id, "centre": self.centre}
        return missed_case(self.volume, label_names, self.annotated, tolerance_mm=tolerance_mm, **about)


def read_truth(case_id: str, path: Path, scoring: Scoring) -> TrueMask:
    """The truth in a file, cut to the patient's box where there is one; all structures count as annotated.

    Raises:
        ValueError: it cannot be read.
    """
    volume = read_volume(path)
    if scoring.boxes and case_id in scoring.boxes:
        volume = resample(volume, challenge_grid(volume.grid, scoring.boxes[case_id]), "nearest")
    centre = (scoring.centres or {}).get(case_id, "") or centre_of(case_id)
    return TrueMask(case_id, centre, volume, (True,) * len(scoring.label_names))


def score_mask(path: Path, true: TrueMask, scoring: Scoring) -> list[Row]:
    """Rows of one patient, from the mask in a file; see :func:`hnseg.evaluate.cases.evaluate_case`.

    Raises:
        ValueError: the mask cannot be read, lies on another grid without leave to resample, or holds unnamed values.
    """
    predicted = read_volume(path)
    moved = scoring.resample or true.case_id in (scoring.boxes or {})
    if moved and not predicted.grid.matches(true.volume.grid):
        predicted = resample(predicted, true.volume.grid, "nearest")
    about = {"case_id": true.case_id, "centre": true.centre}
    return evaluate_case(
        predicted, true.volume, scoring.label_names, true.annotated, tolerance_mm=scoring.tolerance_mm, **about
    )


def challenge_grid(grid: Grid, box: BoxMm) -> Grid:
    """Where the organisers of HECKTOR 2020 and 2021 score: the box at the truth's spacing.

    As in their program the first voxel's *centre* lies on the low corner and the number of voxels is rounded.
    """
    along_xyz = np.abs(grid.direction).argmax(axis=1)  # the array axis that runs most along world x, y and z
    x_mm, y_mm, z_mm = (grid.spacing_mm[axis] for axis in along_xyz)
    edges = zip(box.low_mm, box.high_mm, (x_mm, y_mm, z_mm), strict=True)
    x, y, z = (max(1, round((high - low) / spacing)) for low, high, spacing in edges)
    return Grid((z, y, x), (z_mm, y_mm, x_mm), box.low_mm)
