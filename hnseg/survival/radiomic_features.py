"""Radiomic features of a cohort of prepared cases, a table for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.prepare import Case, Failure
from hnseg.prepare.pool import run_all, worker_count
from hnseg.radiomics import Settings, extract

Rows = Mapping[str, Mapping[str, float]]
"""Modality to the features of a patient."""
NO_MASK = "there is no mask of this patient; predict it, or leave the patient out"


def cohort_radiomics(
    cases: Sequence[Case],
    masks: Mapping[str, Path] | None,
    settings: Mapping[str, Settings],
    structures: Sequence[str] | None = None,
    workers: int = 1,
    progress: bool = True,
) -> tuple[dict[str, pd.DataFrame], list[Failure]]:
    """Radiomic features of every case inside the union of some structures, on the prepared grid.

    Args:
        cases: prepared patients; ``case_id`` is the patient in the tables.
        masks: patient to a label map on a grid of its own, with the numbers of ``case.label_names``, brought to the
            prepared grid by nearest neighbour; None takes the outlines that the case itself has.
        settings: modality (``ct``, ``pt``) to how its features are extracted.
        structures: label names whose union is measured; all of them if not given.
        workers: processes; 1 stays in this one.
        progress: whether to show a bar on the terminal.

    Returns:
        Modality to a table with a row a patient in the order of ``cases`` and columns ``ct_original_...``; and those
        who are in no table, each with why: no mask, an empty one, or one that cannot be read.

    Raises:
        ValueError: a structure or a modality that the cases do not have.
    """
    _refuse_unknown(cases, settings, structures)
    failures = {} if masks is None else {case.case_id: NO_MASK for case in cases if case.case_id not in masks}
    tasks = [
        (case, masks and masks[case.case_id], dict(settings), structures)
        for case in cases
        if case.case_id not in failures
    ]
    columns = (TextColumn("radiomics"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found: dict[str, Rows] = {}
    with Progress(*columns, disable=not progress or not tasks) as bar:
        task = bar.add_task("radiomics", total=len(tasks))
        for patient, rows, message in run_all(_attempt, tasks, worker_count(workers, len(tasks)), _killed):
            bar.advance(task)
            if rows is None:
                failures[patient] = message
            else:
                found[patient] = rows
    order = [case.case_id for case in cases if case.case_id in found]
    tables = {
        name: pd.DataFrame([found[patient][name] for patient in order], index=order, dtype=float).add_prefix(f"{name}_")
        for name in settings
    }
    return tables, [Failure(case.case_id, failures[case.case_id]) for case in cases if case.case_id in failures]


def _refuse_unknown(cases: Sequence[Case], settings: Mapping[str, Settings], structures: Sequence[str] | None) -> None:
    for case in cases:
        for kind, wanted, there in (
            ("structures", structures or (), case.label_names),
            ("modalities", settings, case.modalities),
        ):
            if unknown := [name for name in wanted if name not in there]:
                raise ValueError(f"radiomics: {case.case_id} has no {kind} {unknown}; it has {', '.join(there)}")


def _attempt(
    case: Case, mask: Path | None, settings: Mapping[str, Settings], structures: Sequence[str] | None
) -> tuple[str, Rows | None, str]:
    """The patient, their features by modality, and where there are none why."""
    try:
        inside = _inside(case, mask, structures or case.label_names)
        images = dict(zip(case.modalities, case.images, strict=True))
        rows = {name: extract(images[name], inside, case.grid.spacing_mm, how) for name, how in settings.items()}
    except (OSError, ValueError) as error:
        return case.case_id, None, str(error)
    except Exception as error:  # one patient's surprise must not stop the others
        return case.case_id, None, f"{case.folder}: {type(error).__name__}: {error}; please report this"
    return case.case_id, rows, ""


def _inside(case: Case, mask: Path | None, structures: Sequence[str]) -> NDArray[np.bool_]:
    """(Z, Y, X) on the prepared grid."""
    label = case.label if mask is None else _on_grid(mask, case)
    if label is None:
        raise ValueError("nobody outlined anything in this patient, so there is no mask to measure in")
    inside: NDArray[np.bool_] = np.isin(label, [1 + case.label_names.index(name) for name in structures])
    if not inside.any():
        raise ValueError(f"{mask or case.folder}: no voxel of {', '.join(structures)} within what was prepared")
    return inside


def _on_grid(path: Path, case: Case) -> NDArray[Any]:
    mask = read_volume(path)
    label = mask.array if mask.grid.matches(case.grid) else resample(mask, case.grid, "nearest").array
    if unknown := sorted(set(np.unique(label).tolist()) - set(range(len(case.label_names) + 1))):
        raise ValueError(
            f"{path} holds the values {unknown[:5]}; expected a label map with 0 and the numbers "
            f"1 to {len(case.label_names)} of {', '.join(case.label_names)}"
        )
    return label


def _killed(task: tuple[Any, ...]) -> tuple[str, Rows | None, str]:
    return task[0].case_id, None, "its process was killed twice, most likely for want of memory; use fewer workers"
