"""Which test patients a report shows, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.prepare.case import Case
from hnseg.report.pictures import Patient, patient_picture
from hnseg.report.run_folder import RunFolder
from hnseg.report.tables import number
from hnseg.types import Volume


@dataclass(frozen=True)
class Exhibit:
    """One patient on the page: ``png`` is empty where there is no picture, and ``reason`` says why."""

    rank: str
    case_id: str
    scores: str
    png: bytes = b""
    reason: str = ""


def choose(cases: pd.DataFrame) -> list[tuple[str, str]]:
    """The best, the median and the worst patient by Dice, averaged over structures; fewer where there are fewer.

    Patients whose Dice is not defined are not ranked. Of an even number the lower of the two middle ones is the median.
    """
    if cases.empty:
        return []
    ranked = list(cases.groupby("case", sort=True)["dice"].mean().dropna().sort_values(kind="stable").index)
    if not ranked:
        return []
    places = [("best", len(ranked) - 1), ("median", (len(ranked) - 1) // 2), ("worst", 0)]
    if len(ranked) == 1:
        places = [("only", 0)]
    elif len(ranked) == 2:
        places = [places[0], places[2]]
    return [(rank, str(ranked[place])) for rank, place in places]


def exhibits(run: RunFolder) -> list[Exhibit]:
    """Pictures of the chosen patients; one that cannot be drawn does not keep the others from the page."""
    shown = []
    for rank, case_id in choose(run.cases):
        scores = _scores(run.cases[run.cases["case"] == case_id])
        try:
            png = patient_picture(_patient(run, case_id), title=f"{case_id}   {scores}", phantom=run.phantom)
            shown.append(Exhibit(rank, case_id, scores, png))
        except (ValueError, OSError) as error:
            shown.append(Exhibit(rank, case_id, scores, reason=str(error)))
    return shown


def _patient(run: RunFolder, case_id: str) -> Patient:
    folder = run.prepared(case_id)
    if folder is None:
        raise ValueError(f"the prepared images of {case_id} are no longer where they were; prepare the data again")
    case = Case.open(folder)
    images = {name: Volume(array, case.grid) for name, array in zip(case.modalities, case.images, strict=True)}
    label = np.zeros(case.grid.shape_zyx, np.uint8) if case.label is None else case.label
    path = run.prediction_of(case_id)
    prediction = None if path is None else resample(read_volume(path), case.grid, "nearest")
    return Patient(case_id, images, Volume(label, case.grid), prediction)


def _scores(rows: pd.DataFrame) -> str:
    """``Dice 0.812, HD95 3.0 mm``; two structures by their names, of more only the mean."""
    if len(rows) > 2:
        return f"mean Dice {number('dice', float(rows['dice'].mean()))} of {len(rows)} structures"
    parts = []
    for row in rows.to_dict("records"):
        text = f"Dice {number('dice', row['dice'])}"
        if "hd95_mm" in row:
            text += f", HD95 {number('hd95_mm', row['hd95_mm'])} mm"
        parts.append(f"{row['structure']}: {text}" if len(rows) > 1 else text)
    return "   ".join(parts)
