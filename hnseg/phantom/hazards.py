"""The true hazards of a phantom cohort, in a table that no real data set has: what the best model could know."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from hnseg.io.phantom_marker import MARKER
from hnseg.io.tables import keyed_rows, write_rows
from hnseg.phantom.plan import PatientPlan

HAZARDS = "phantom_hazard.csv"
"""At the root of a phantom whose edition has endpoints: ``PatientID,log_hazard``, training and testing patients."""

_COLUMNS = ("PatientID", "log_hazard")


def write_hazards(root: Path, plans: Iterable[PatientPlan]) -> None:
    """Write the table, whole or not at all."""
    write_rows(root / HAZARDS, [dict(zip(_COLUMNS, (p.case_id, p.clinical["log_hazard"]), strict=True)) for p in plans])


def hazards(root: Path) -> dict[str, float] | None:
    """Patient to the logarithm of the true hazard against the baseline patient's; greater means earlier.

    Args:
        root: the folder of a cohort, or one in it.

    Returns:
        None where ``root`` is no phantom, or one without outcome. All 0 where the outcome depends on nothing.

    Raises:
        ValueError: the table is not as it was written.
    """
    here = Path(root).absolute()
    marked = next((level for level in (here, *here.parents) if (level / MARKER).is_file()), None)
    if marked is None or not (marked / HAZARDS).is_file():
        return None
    rows = keyed_rows(marked / HAZARDS, _COLUMNS[0], _COLUMNS)
    return {patient: _log_hazard(marked, line, row[_COLUMNS[1]]) for patient, (line, row) in rows.items()}


def _log_hazard(root: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{root / HAZARDS}, line {line}: expected a number in column log_hazard, found {text!r}; delete the file "
            "and have the phantom written again"
        )
    return value
