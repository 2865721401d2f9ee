"""Which test patients a report shows, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.prepare.case import Case
from hnseg.report.canvas import save_png
from hnseg.report.figure3 import figure_3
from hnseg.report.pictures import Patient, patient_picture
from hnseg.report.run_folder import RunFolder, as_file_name
from hnseg.report.tables import number
from hnseg.types import Volume


@dataclass(frozen=True)
class Exhibit:
    """One patient on the page, in three planes and as in the paper's Fig. 3.

    Both pictures are empty where there is none, and ``reason`` says why. ``refined`` is set where there is a mask after
    post-processing.
    """

    rank: str
    case_id: str
    scores: str
    png: bytes = b""
    slice_png: bytes = b""
    refined: bool = False
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
    """Pictures of the chosen patients; one that cannot be drawn does not keep the others from the page.

    Of a patient whom several folds leave out the first one counts: it made the mask.
    """
    shown = []
    cases, refined = (rows.drop_duplicates(["case", "structure"]) for rows in (run.cases, run.postprocessed))
    for rank, case_id in choose(cases):
        scores = _scores(cases[cases["case"] == case_id])
        after = _scores(refined[refined["case"] == case_id])
        title = f"{case_id}   {scores}" + (f"   post-processed: {after}" if after else "")
        try:
            patient = _patient(run, case_id)
            png = patient_picture(patient, title=f"{case_id}   {scores}", phantom=run.phantom)
            slice_png = figure_3(patient, title=title, phantom=run.phantom)
            shown.append(Exhibit(rank, case_id, scores, png, slice_png, patient.refined is not None))
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
    masks = [
        None if path is None else resample(read_volume(path), case.grid, "nearest")
        for path in (run.prediction_of(case_id), run.refined_of(case_id))
    ]
    return Patient(case_id, images, Volume(label, case.grid), *masks)


def save_slices(folder: Path, shown: Sequence[Exhibit]) -> None:
    """Leave the slices in ``folder`` as ``fig3_CASE.png``, in place of those that an earlier page showed."""
    for old in folder.glob("fig3_*.png"):
        old.unlink()
    for exhibit in shown:
        if exhibit.slice_png:
            save_png(folder / f"fig3_{as_file_name(exhibit.case_id)}.png", exhibit.slice_png)


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
