"""Score a folder of predictions against a folder of truth, and leave tables on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.progress import track

from hnseg.evaluate.cases import Row
from hnseg.evaluate.hecktor import Variant, official_scores
from hnseg.evaluate.pairing import find_predictions, find_truths
from hnseg.evaluate.scoring import Scoring, read_truth, score_mask
from hnseg.evaluate.summary import summarise
from hnseg.evaluate.tolerances import Tolerance, tolerance_of
from hnseg.io import write_json
from hnseg.io.atomic import atomic_path
from hnseg.io.phantom_marker import is_phantom
from hnseg.types import BoxMm


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """What an evaluation found; the tables are also in the output folder.

    Attributes:
        cases: a row a patient and structure.
        summary: by centre.
        official: scores of the HECKTOR challenges.
        failures: patient to one sentence saying what was wrong with its files.
        missing: patients with truth but no prediction file.
        unmatched: prediction files without truth, which nothing was done with.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame
    official: dict[str, Any]
    failures: dict[str, str]
    missing: tuple[str, ...]
    unmatched: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        """Whether every patient with truth had a prediction that could be scored."""
        return not self.failures and not self.missing


def evaluate_folders(
    predictions: Path,
    truth: Path,
    output: Path,
    label_names: Sequence[str],
    *,
    tolerance_mm: Tolerance = None,
    resample: bool = False,
    boxes: Mapping[str, BoxMm] | None = None,
    centres: Mapping[str, str] | None = None,
    variant: Variant = "code",
    least_n: int = 1,
    progress: bool = False,
) -> EvaluationResult:
    """Score every patient of ``truth`` and write ``cases.csv``, ``summary.csv`` and ``official.json`` to ``output``.

    A patient whose prediction is missing, unreadable or on another grid is a miss: Dice 0 and infinite distances in
    every table. Unreadable predictions and unreadable truths are listed as failures; without truth there are no rows.

    Args:
        predictions: masks named ``<case>.nii.gz`` (or another format), also one folder down.
        truth: masks named ``<case>``, ``<case>_gtvt`` or ``<case>_ct_gtvt``, also in a folder a patient.
        output: made if need be; earlier tables there are replaced.
        label_names, tolerance_mm, resample, boxes, centres: see :class:`Scoring`.
        variant: see :func:`hnseg.evaluate.hecktor.official_scores`.
        least_n: patients that a mean in the summary needs; see :func:`hnseg.evaluate.summary.summarise`.
        progress: whether to show a bar.

    Raises:
        ValueError: a folder is not there or holds no masks, two files claim one patient, or no truth could be read.
    """
    for name in label_names:
        tolerance_of(name, tolerance_mm)  # one that cannot be is refused at once, not for every patient anew
    truths, predicted = find_truths(truth), find_predictions(predictions)
    scoring = Scoring(tuple(label_names), tolerance_mm, resample, boxes, centres)
    rows: list[Row] = []
    failures: dict[str, str] = {}
    for case_id in track(sorted(truths), description="evaluate", disable=not progress):
        found, failure = _score_files(case_id, truths[case_id], predicted.get(case_id), scoring)
        rows += found
        if failure:
            failures[case_id] = failure
    if not rows:
        raise ValueError(f"none of the {len(truths)} truths under {truth} could be read; first: {_first(failures)}")
    cases = pd.DataFrame(rows)
    cases["phantom"] = is_phantom(truth) or is_phantom(predictions)
    official = official_scores(cases, sorted(set(cases["case"])), variant=variant)
    official["phantom"] = bool(cases["phantom"].any())
    result = EvaluationResult(
        cases,
        summarise(cases, least_n=least_n),
        official,
        failures,
        missing=tuple(sorted(set(truths) - set(predicted))),
        unmatched=tuple(path for case_id, path in sorted(predicted.items()) if case_id not in truths),
    )
    _write(result, output)
    return result


def _score_files(case_id: str, truth: Path, prediction: Path | None, scoring: Scoring) -> tuple[list[Row], str]:
    """Rows of one patient and, where something was wrong with its files, a sentence about it."""
    try:
        true = read_truth(case_id, truth, scoring)
        missed = true.missed(scoring.label_names, scoring.tolerance_mm)
    except (ValueError, OSError) as error:
        return [], str(error)
    if prediction is None:
        return missed, ""
    try:
        return score_mask(prediction, true, scoring), ""
    except (ValueError, OSError) as error:
        return missed, str(error)


def _first(failures: Mapping[str, str]) -> str:
    return next(iter(failures.values()), "no failure was noted")


def _write(result: EvaluationResult, output: Path) -> None:
    for name, table in (("cases.csv", result.cases), ("summary.csv", result.summary)):
        with atomic_path(output / name) as partial:
            partial.write_text(table.to_csv(index=False))
    listed = {"failures": result.failures, "missing": list(result.missing)}
    write_json(output / "official.json", result.official | listed)
