"""Score organs, each by itself, of a folder of patients against another: a network's, or a second reader's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from hnseg.evaluate.cases import MISSED, Row, refuse_other_grid, score_masks
from hnseg.evaluate.organ_files import PDDCA_FOLDER, Naming, OrganMasks, find_organs, find_predicted_organs
from hnseg.evaluate.organ_table import organ_table
from hnseg.evaluate.summary import summarise
from hnseg.evaluate.tolerances import Tolerance, tolerance_of
from hnseg.geometry import resample
from hnseg.io import write_json
from hnseg.io.atomic import atomic_path
from hnseg.io.phantom_marker import is_phantom
from hnseg.types import Volume


@dataclass(frozen=True)
class OrganScoring:
    """How organs are scored.

    Attributes:
        naming: which structures, and how else they are spelled.
        tolerance_mm: of the surface Dice; None for each organ's own.
        resample: bring a prediction on another grid to that of the truth (nearest voxel); else it fails.
        second_reader: the predictions are another person's: what that person did not outline is no miss and is left
            out, and so are patients.
        centres: patient to data set or hospital; others have none.
    """

    naming: Naming
    tolerance_mm: Tolerance = None
    resample: bool = False
    second_reader: bool = False
    centres: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.naming.label_names:
            tolerance_of(name, self.tolerance_mm)  # one that cannot be is refused at once, not for every organ anew


@dataclass(frozen=True, eq=False)
class OrganScores:
    """What was found.

    Attributes:
        cases: a row a patient and annotated structure, as :func:`hnseg.evaluate.cases.evaluate_case` has them.
        failures: "patient" or "patient, structure" to what was wrong with a file.
        missing: patients without any prediction.
        absent: "patient, structure" that the truth has and the prediction's files have not.
    """

    cases: pd.DataFrame
    failures: dict[str, str]
    missing: tuple[str, ...]
    absent: tuple[str, ...]


def has_organ_folders(truth: Path) -> bool:
    """Whether the folder is in the layout of PDDCA: a folder ``structures`` in a folder a patient, maybe in parts."""
    return any(path.is_dir() for depth in ("*", "*/*") for path in truth.glob(f"{depth}/{PDDCA_FOLDER}"))


def score_organ_folders(
    predictions: Path,
    truth: Path,
    scoring: OrganScoring,
    *,
    truth_folders: Sequence[str] = (PDDCA_FOLDER,),
    prediction_folders: Sequence[str] = (),
    progress: bool = False,
) -> OrganScores:
    """Score every structure that the truth of a patient has a file of; a file that is not there is not annotated.

    Each structure is scored as a mask of its own, so those that overlap stay whole. A structure without a predicted
    file counts as an empty mask and is named; a patient without any is a miss: Dice 0 and infinite distances.

    Args:
        predictions, truth: folders; see :func:`find_predicted_organs` and :func:`find_organs`.
        scoring: how.
        truth_folders, prediction_folders: inside a patient's folder; the first that a patient has.
        progress: whether to show a bar.

    Raises:
        ValueError: a folder is not there, or nothing could be scored.
    """
    truths = find_organs(truth, scoring.naming, truth_folders)
    predicted = find_predicted_organs(predictions, scoring.naming, prediction_folders)
    if not truths:
        asked = " or CASE/".join(truth_folders)
        raise ValueError(f"{truth} has no folder CASE/{asked}; name the one that it has (truth_structures=...)")
    missing = tuple(sorted(set(truths) - set(predicted)))
    rows: list[Row] = []
    failures: dict[str, str] = {}
    absent: list[str] = []
    for case_id, true in track(truths.items(), description="evaluate", disable=not progress):
        mine = predicted.pop(case_id, None)  # it keeps what it has read: nobody else may
        if mine is not None or not scoring.second_reader:
            rows += _score_patient(case_id, true, mine, scoring, failures, absent)
    if not rows:
        first = next(iter(failures.items()), ("nobody", "no structure of label_names is annotated and predicted"))
        raise ValueError(f"nothing of {predictions} could be scored against {truth}; first: {': '.join(first)}")
    cases = pd.DataFrame(rows)
    cases["phantom"] = is_phantom(truth) or is_phantom(predictions)
    return OrganScores(cases, failures, missing, tuple(absent))


def write_organ_scores(scores: OrganScores, output: Path, label_names: Sequence[str], least_n: int) -> pd.DataFrame:
    """Write ``cases.csv``, ``summary.csv``, ``organs.csv`` and ``evaluation.json``; gives the organs' table.

    ``evaluation.json`` names what was not scored, or not whole: failures, missing patients, absent structures.

    Args:
        scores: what was found.
        output: made if need be; earlier tables there are replaced.
        label_names: the organs, in order.
        least_n: patients that a mean needs.
    """
    organs = organ_table(scores.cases, label_names, least_n=least_n)
    tables = {"cases.csv": scores.cases, "summary.csv": summarise(scores.cases, least_n=least_n), "organs.csv": organs}
    phantom = bool(scores.cases["phantom"].any())
    for name, table in tables.items():
        with atomic_path(output / name) as partial:
            partial.write_text(table.assign(phantom=phantom).to_csv(index=False))
    listed = {"failures": scores.failures, "missing": list(scores.missing), "absent": list(scores.absent)}
    write_json(output / "evaluation.json", listed | {"least_n": least_n, "phantom": phantom})
    return organs


def _score_patient(
    case_id: str,
    true: OrganMasks,
    predicted: OrganMasks | None,
    scoring: OrganScoring,
    failures: dict[str, str],
    absent: list[str],
) -> list[Row]:
    """Rows of one patient; what was wrong or not there is added to the last two."""
    rows = []
    for structure in scoring.naming.label_names:
        try:
            if not true.has(structure):
                continue
            truth = true.mask(structure)
        except (ValueError, OSError) as error:
            failures[f"{case_id}, {structure}"] = str(error)
            continue
        head = {"case": case_id, "centre": scoring.centres.get(case_id, ""), "structure": structure}
        try:
            there = predicted is not None and predicted.has(structure)
            if predicted is not None and not there:
                absent.append(f"{case_id}, {structure}")
            if there or not scoring.second_reader:
                mask = predicted.mask(structure) if predicted is not None and there else None
                rows.append(head | _score(mask, truth, structure, scoring, f"{case_id}, {structure}"))
                if predicted is None:
                    rows[-1] |= MISSED
        except (ValueError, OSError) as error:
            failures[f"{case_id}, {structure}"] = str(error)
            if not scoring.second_reader:
                rows.append(head | _score(None, truth, structure, scoring, case_id) | MISSED)
    return rows


def _score(mask: Volume | None, truth: Volume, structure: str, scoring: OrganScoring, what: str) -> Row:
    """A row's measures; no mask is an empty one."""
    if mask is None:
        mask = Volume(np.zeros(truth.grid.shape_zyx, bool), truth.grid)
    elif scoring.resample and not mask.grid.matches(truth.grid):
        mask = resample(mask, truth.grid, "nearest", 0)
    refuse_other_grid(mask.grid, truth.grid, what)
    return score_masks(mask.array, truth.array, truth.grid, tolerance_of(structure, scoring.tolerance_mm))
