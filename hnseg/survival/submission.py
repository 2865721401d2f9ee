"""Risks in the challenge's format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hnseg.io.tables import write_rows

COLUMNS = ("PatientID", "Prediction")


def write_submission(path: Path, risks: Mapping[str, float]) -> None:
    """Write HECKTOR's ``PatientID,Prediction``: greater means that the event is expected earlier.

    Raises:
        DiskFullError: no room.
    """
    write_rows(path, [dict(zip(COLUMNS, row, strict=True)) for row in risks.items()], COLUMNS)
