"""Which test patients a report shows, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.prepare.case import Case
from hnseg.report.canvas import save_png
from hnseg.report.figure3 import figure_3
from hnseg.report.organ_pictures import Structures, organ_picture
from hnseg.report.pictures import Patient, patient_picture
from hnseg.report.run_folder import RunFolder, as_file_name
from hnseg.report.structures import MANY
from hnseg.report.tables import number
from hnseg.types import Volume


@dataclass(frozen=True)
class Exhibit:
    """One patient on the page, in three planes and as in the paper's Fig. 3; many structures in one picture of organs.

    All pictures are empty where there is none, and ``reason`` says why. ``refined`` is set where there is a mask after
    post-processing.
    """

    rank: str
    case_id: str
    scores: str
    png: bytes = b""
    slice_png: bytes = b""
    organ_png: bytes = b""
    refined: bool = False
    reason: str = ""


def choose(cases: pd.DataFrame) -> list[tuple[str, str]]:
    """The best, the median and the worst patient by Dice, averaged over structures; fewer where there are fewer.

    Where patients have different structures, each is compared with the structure's mean over patients first: who has
    only the easy ones annotated is not the best for that. With the same structures in all it changes nothing.

    Patients whose Dice is not defined are not ranked. Of an even number the lower of the two middle ones is the median.
    """
    if cases.empty:
        return []
    scores = cases.dropna(subset="dice")
    if len(set(scores.groupby("case")["structure"].agg(frozenset))) > 1:
        scores = scores.assign(dice=scores["dice"] - scores.groupby("structure")["dice"].transform("mean"))
    ranked = list(scores.groupby("case", sort=True)["dice"].mean().sort_values(kind="stable").index)
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
            shown.append(_drawn(run, case_id, cases[cases["case"] == case_id], rank, title))
        except (ValueError, OSError) as error:
            shown.append(Exhibit(rank, case_id, scores, reason=str(error)))
    return shown


def _drawn(run: RunFolder, case_id: str, rows: pd.DataFrame, rank: str, title: str) -> Exhibit:
    case, scores = _case(run, case_id), _scores(rows)
    patient = _patient(run, case)
    drawn = Exhibit(rank, case_id, scores, refined=patient.refined is not None)
    if len(case.label_names) >= MANY:
        known = Structures(case.label_names, case.annotated, _dice_of(rows))
        return replace(drawn, organ_png=organ_picture(patient, known, title=title, phantom=run.phantom))
    return replace(
        drawn,
        png=patient_picture(patient, title=f"{case_id}   {scores}", phantom=run.phantom),
        slice_png=figure_3(patient, title=title, phantom=run.phantom),
    )


def _case(run: RunFolder, case_id: str) -> Case:
    folder = run.prepared(case_id)
    if folder is None:
        raise ValueError(f"the prepared images of {case_id} are no longer where they were; prepare the data again")
    return Case.open(folder)


def _patient(run: RunFolder, case: Case) -> Patient:
    images = {name: Volume(array, case.grid) for name, array in zip(case.modalities, case.images, strict=True)}
    label = np.zeros(case.grid.shape_zyx, np.uint8) if case.label is None else case.label
    masks = [
        None if path is None else resample(read_volume(path), case.grid, "nearest")
        for path in (run.prediction_of(case.case_id), run.refined_of(case.case_id))
    ]
    return Patient(case.case_id, images, Volume(label, case.grid), *masks)


def save_slices(folder: Path, shown: Sequence[Exhibit]) -> None:
    """Leave the slices in ``folder`` as ``fig3_CASE.png``, and pictures of organs as ``organs_CASE.png``.

    They take the place of those that an earlier page showed.
    """
    for old in [*folder.glob("fig3_*.png"), *folder.glob("organs_*.png")]:
        old.unlink()
    for exhibit in shown:
        for kind, png in {"fig3": exhibit.slice_png, "organs": exhibit.organ_png}.items():
            if png:
                save_png(folder / f"{kind}_{as_file_name(exhibit.case_id)}.png", png)


def _dice_of(rows: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(dice) for name, dice in zip(rows["structure"], rows["dice"], strict=True)}


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
