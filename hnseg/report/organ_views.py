"""Scores organ by organ as cells for the page; the numbers come from ``hnseg.evaluate.organ_table``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hnseg.evaluate.organ_table import LEAST_N, MEAN_OF_ORGANS, MEANS, organ_table
from hnseg.evaluate.summary import ALL_PATIENTS, TOO_FEW
from hnseg.report.published_organs import PublishedOrgans
from hnseg.report.structures import ordered
from hnseg.report.tables import Cell, TableView, heading, mean_and_spread, number

WANTED = (*MEANS, "hd95_mm", "tolerance_mm")
HEADINGS = (
    "Organ",
    heading("n"),
    "Dice, mean ± SD",
    "Slice-wise Dice",
    heading("hd95_median_mm"),
    "Surface Dice",
    heading("tolerance_mm"),
)


def one_row_each(cases: pd.DataFrame) -> pd.DataFrame:
    """A row a patient and structure: whoever was scored in several folds has the mean of them."""
    filled = cases.assign(**{name: np.nan for name in WANTED if name not in cases.columns})
    if not filled.duplicated(["case", "structure"]).any():
        return filled
    wanted = dict.fromkeys(WANTED, "mean") | {"centre": "first"}
    return filled.groupby(["case", "structure"], sort=False).agg(wanted).reset_index()


def scores_of(cases: pd.DataFrame, label_names: Sequence[str]) -> pd.DataFrame:
    """The organ table over all patients and by centre; columns that an older table of cases lacks are not known."""
    return organ_table(one_row_each(cases), ordered(list(cases["structure"]), label_names))


def organ_view(table: pd.DataFrame, published: PublishedOrgans | None = None) -> TableView:
    """A row an organ and one for their mean, over all patients; published columns last.

    Args:
        table: of :func:`scores_of`.
        published: printed scores of the same organs.
    """
    printed = {} if published is None else published.columns
    lines = over_all_patients(table)
    rows = tuple(_organ_cells(line, printed) for line in lines.to_dict("records"))
    headings = (*HEADINGS, *printed)
    last = frozenset(i for i, name in enumerate(lines["structure"]) if name == MEAN_OF_ORGANS)
    return TableView(headings, rows, len(headings), last)


def over_all_patients(table: pd.DataFrame) -> pd.DataFrame:
    """The lines of an organ table that are of all patients, be it of one centre or of several."""
    several = ALL_PATIENTS in set(table["centre"])
    return table[table["centre"] == ALL_PATIENTS] if several else table


def left_out(table: pd.DataFrame) -> str:
    """Which organs are not in the mean of organs, as the table has it: ``without Chiasm``; empty where all are."""
    lines = over_all_patients(table)
    return str(lines.loc[lines["structure"] == MEAN_OF_ORGANS, "note"].iloc[0])


def source_view(cases: pd.DataFrame, label_names: Sequence[str], by: str) -> TableView | None:
    """Mean Dice of each organ (a row) in each centre or fold (a column); None where there is only one.

    Args:
        cases: a row a patient and structure (and fold).
        label_names: the order of the organs.
        by: ``centre`` or ``fold``.
    """
    groups = sorted(set(cases[by])) if by == "centre" else list(dict.fromkeys(cases[by]))
    if len(groups) < 2:
        return None
    rows = []
    for name in ordered(list(cases["structure"]), label_names):
        of_organ = cases[cases["structure"] == name]
        rows.append((Cell(name), *(_mean_cell(of_organ.loc[of_organ[by] == group, "dice"]) for group in groups)))
    headings = (heading("structure"), *(f"{group or 'unknown'}" for group in groups))
    return TableView(headings, tuple(rows), len(headings))


def patient_view(cases: pd.DataFrame, label_names: Sequence[str]) -> TableView:
    """Dice of each patient (a row) and organ (a column); empty where nobody annotated the organ."""
    names = ordered(list(cases["structure"]), label_names)
    rows = one_row_each(cases)
    # the mean of what is annotated: a patient with the easy organs alone has a high one, hence how many
    wide = rows.pivot(index="case", columns="structure", values="dice")[names]  # noqa: PD010  (one row a patient)
    counts, centres = rows.groupby("case")["structure"].size(), rows.groupby("case")["centre"].first()
    several = len(set(centres)) > 1
    headings = (
        "Patient",
        *(["Centre"] if several else []),
        "Organs",
        "Mean Dice",
        *(name.replace("_", " ") for name in names),
    )
    lines = []
    for case in dict.fromkeys(rows["case"]):
        known = set(rows.loc[rows["case"] == case, "structure"])
        scores = wide.loc[case]
        lines.append(
            (
                Cell(str(case), str(case)),
                *([Cell(centres[case], centres[case])] if several else []),
                Cell(str(counts[case]), str(counts[case]), number=True),
                _score_cell(float(scores.mean())),
                *(_score_cell(float(scores[name])) if name in known else Cell("", number=True) for name in names),
            )
        )
    return TableView(headings, tuple(lines), len(headings))


def organ_cards(table: pd.DataFrame, count: str) -> list[dict[str, str]]:
    """The headline of a run with many organs: the mean over organs, from where to where, and how far off.

    Args:
        table: of :func:`scores_of`.
        count: who was scored, in words.
    """
    lines = over_all_patients(table)
    mean = lines[lines["structure"] == MEAN_OF_ORGANS].iloc[0]
    organs = lines[(lines["structure"] != MEAN_OF_ORGANS) & (lines["note"] != TOO_FEW)].dropna(subset="dice_mean")
    title = f"Mean Dice over organs (n\u00a0≥\u00a0{LEAST_N})"
    if organs.empty:
        return [{"name": title, "value": "–", "note": f"no organ has {LEAST_N} patients; {count}"}]
    without = f"; {mean['note']}" if mean["note"] else ""
    low, high = (organs.loc[organs["dice_mean"].agg(which)] for which in ("idxmin", "idxmax"))
    return [
        {
            "name": title,
            "value": number("dice", mean["dice_mean"]),
            "note": f"{mean['n']} organs{without}; {count}",
        },
        {
            "name": "Dice, worst to best organ",
            "value": f"{number('dice', low['dice_mean'])} to {number('dice', high['dice_mean'])}",
            "note": f"{low['structure']}, {high['structure']}",
        },
        {
            "name": "HD95, mean of organs' medians",
            "value": f"{number('hd95_mm', mean['hd95_median_mm'])} mm",
            "note": "larger of the two directed 95th percentiles",
        },
    ]


def _organ_cells(line: Mapping[Any, Any], printed: Mapping[str, Mapping[str, float]]) -> tuple[Cell, ...]:
    name, n = str(line["structure"]), int(line["n"])
    if line["note"] == TOO_FEW:
        scores = [TOO_FEW, "", "", "", ""]
    else:
        tolerance = line["tolerance_mm"]
        scores = [
            mean_and_spread("dice", line["dice_mean"], line["dice_sd"]),
            mean_and_spread("dice", line["dice_slices_mean"], line["dice_slices_sd"]),
            number("hd95_mm", line["hd95_median_mm"]),
            mean_and_spread("dice", line["surface_dice_mean"], line["surface_dice_sd"]),
            "" if pd.isna(tolerance) else f"{tolerance:.2f}",
        ]
    count = f"{n} organs" if name == MEAN_OF_ORGANS else str(n)
    theirs = [f"{column[name]:.4f}" if name in column else "" for column in printed.values()]
    return (Cell(name), *(Cell(text, number=True) for text in (count, *scores, *theirs)))


def _mean_cell(scores: pd.Series[Any]) -> Cell:
    known = scores.dropna()
    if len(scores) < LEAST_N:
        return Cell(f"{TOO_FEW} ({len(scores)})" if len(scores) else "", number=True)
    return Cell(f"{mean_and_spread('dice', known.mean(), known.std())} ({len(scores)})", number=True)


def _score_cell(value: float) -> Cell:
    return Cell(number("dice", value), "" if np.isnan(value) else repr(value), number=True)
