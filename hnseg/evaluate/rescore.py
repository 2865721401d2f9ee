"""Scores of several sources on the patients that all of them have, each patient against one truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from rich.progress import track

from hnseg.evaluate.cases import Row
from hnseg.evaluate.pairing import find_truths
from hnseg.evaluate.scoring import Scoring, TrueMask, read_truth, score_mask
from hnseg.evaluate.sources import Source, agreed_label_names
from hnseg.prepare import Case

Truths = Mapping[str, Callable[[], TrueMask]]
"""Patient to what reads their truth."""


@dataclass(frozen=True, eq=False)
class ScoredSources:
    """Rows of every source, and patient to why they were not scored."""

    rows: dict[str, pd.DataFrame]
    left_out: dict[str, str]


def score_sources(
    sources: Sequence[Source],
    truth: Path | None = None,
    label_names: Sequence[str] | None = None,
    *,
    resample: bool = False,
    progress: bool = False,
) -> ScoredSources:
    """Rows of every source, for the patients that all have: as they were scored, or from their masks.

    With ``truth`` all masks are scored against it, those of runs as well. Without, folders of masks are scored against
    the truth of a run's prepared cases, on the patients' own grids, and runs keep the scores that they have.

    Args:
        sources: from :func:`hnseg.evaluate.sources.open_sources`.
        truth: folder of masks, named as ``hnseg evaluate`` has it.
        label_names: structures of the masks; where not given, those of the runs.
        resample: bring a mask on another grid to that of the truth (nearest voxel); else that patient is left out.
        progress: whether to show a bar.

    Raises:
        ValueError: there is nothing to score masks against, no patient is in all sources, or the label names are not
            known or contradict a run's.
    """
    todo = [source for source in sources if truth is not None or source.rows is None]
    names = agreed_label_names(sources, label_names, needed=bool(todo))
    scoring = Scoring(names, resample=resample)
    truths = _truths(sources, truth, scoring) if todo else None
    left_out = _absent({s.name: set(s.masks) if s in todo else s.scored for s in sources}, truths)
    shared = sorted(_patients(sources, todo) - set(left_out))
    found: dict[str, list[Row]] = {source.name: [] for source in todo}
    for case_id in track(shared if todo else [], description="score", disable=not progress):
        assert truths is not None
        try:
            true = truths[case_id]()
            scored = {source.name: _score(source, true, scoring) for source in todo}
        except (ValueError, OSError) as error:
            left_out[case_id] = str(error)
            continue
        for name, rows in scored.items():
            found[name] += rows
    if not set(shared) - set(left_out):
        raise ValueError(f"no patient can be compared: {_some(left_out)}")
    tables = {s.name: pd.DataFrame(found[s.name]) if s.rows is None or s in todo else s.rows for s in sources}
    return ScoredSources(
        {name: table[~table["case"].isin(list(left_out))].reset_index(drop=True) for name, table in tables.items()},
        dict(sorted(left_out.items())),
    )


def _patients(sources: Sequence[Source], todo: Sequence[Source]) -> set[str]:
    return set().union(*(s.masks if s in todo else s.scored for s in sources))


def _absent(patients: Mapping[str, set[str]], truths: Truths | None) -> dict[str, str]:
    """Who is not in all sources, or has no truth; and which of the two."""
    said = {}
    for case_id in sorted(set().union(*patients.values())):
        if lacking := [name for name, known in patients.items() if case_id not in known]:
            said[case_id] = f"not in {', '.join(lacking)}"
        elif truths is not None and case_id not in truths:
            said[case_id] = "no truth"
    return said


def _truths(sources: Sequence[Source], truth: Path | None, scoring: Scoring) -> Truths:
    if truth is not None:
        files = find_truths(truth)
        return {case_id: partial(read_truth, case_id, path, scoring) for case_id, path in files.items()}
    folders = {case_id: folder for source in reversed(sources) for case_id, folder in source.prepared.items()}
    if not folders:
        waiting = ", ".join(source.name for source in sources if source.rows is None)
        raise ValueError(f"nothing to score {waiting} against: give truth=DIR, or name a run among the folders")
    return {case_id: partial(_prepared_truth, folder, scoring) for case_id, folder in folders.items()}


def _prepared_truth(folder: Path, scoring: Scoring) -> TrueMask:
    case = Case.open(folder)
    if case.label_names != scoring.label_names:
        raise ValueError(
            f"{folder} was prepared for {', '.join(case.label_names)}, not for {', '.join(scoring.label_names)}"
        )
    volume = case.truth()
    if volume is None:
        raise ValueError("no truth: nobody outlined anything")
    return TrueMask(case.case_id, case.centre, volume, case.annotated)


def _score(source: Source, true: TrueMask, scoring: Scoring) -> list[Row]:
    try:
        return score_mask(source.masks[true.case_id], true, scoring)
    except (ValueError, OSError) as error:
        raise ValueError(f"{source.name}: {error}") from error


def _some(left_out: Mapping[str, str]) -> str:
    first = [f"{case_id}: {reason}" for case_id, reason in left_out.items()][:3]
    return "; ".join(first) + ("; ..." if len(left_out) > len(first) else "")
