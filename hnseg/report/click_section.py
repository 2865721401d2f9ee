"""The section on clicks of a run's page and of a cross-validation's: tables, the curve, and what they do not say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hnseg.evaluate.click_curves import COUNTS, MOST, NEEDED, click_curve, click_users, clicks_needed
from hnseg.io.atomic import atomic_path
from hnseg.report.canvas import save_png
from hnseg.report.click_figure import click_curves
from hnseg.report.click_views import curve_view, empty_view, needed_view, users_view
from hnseg.report.cv_folder import CvFolder
from hnseg.report.reading import read_csv
from hnseg.report.run_folder import TRUE_WORDS
from hnseg.report.tables import TableView
from hnseg.report.words import Sentence

CLICKS = "clicks.csv"


@dataclass(frozen=True, eq=False)
class ClickSection:
    """What a page shows of clicks.

    Attributes:
        tables: by file name.
        phantom: whether any patient is one.
        png: the curve; None where no unit shows a structure.
        curve, needed, users, empty: the tables as cells, each None where it would have no row.
        methods: whose answers they are.
        sentences: what limits the numbers.
    """

    tables: dict[str, pd.DataFrame]
    phantom: bool
    png: bytes | None
    curve: TableView | None
    needed: TableView | None
    users: TableView | None
    empty: TableView | None
    methods: tuple[str, ...]
    sentences: tuple[Sentence, ...]


def run_clicks(folder: Path, phantom: bool) -> ClickSection | None:
    """The section of a run, from its ``clicks.csv``; None where its network takes no clicks, or nobody looked.

    Raises:
        ValueError: the table cannot be read, or lacks a column.
    """
    rows = _read(folder)
    return None if rows.empty else _section(rows, phantom, ())


def cv_clicks(cv: CvFolder) -> ClickSection | None:
    """That of a cross-validation: the rows of all folds that have any, as one table.

    Raises:
        ValueError: a fold's table cannot be read, or lacks a column.
    """
    found = {fold.name: _read(fold.run.folder) for fold in cv.folds if fold.run}
    scored = [rows.assign(fold=name) for name, rows in found.items() if len(rows)]
    if not scored:
        return None
    sentences: tuple[Sentence, ...] = ()
    if len(scored) < len(cv.folds):
        sentences = (Sentence(f"Of {len(cv.folds)} folds, {len(scored)} have scored clicks.", warning=True),)
    return _section(pd.concat(scored, ignore_index=True), cv.whole.phantom, sentences)


def save_clicks(folder: Path, section: ClickSection | None) -> None:
    """Write ``figures/click_curve.png`` and the three tables into ``tables/``; nothing where there is no section."""
    if section is None:
        return
    for name, table in section.tables.items():
        with atomic_path(folder / "tables" / f"{name}.csv") as temporary:
            table.assign(phantom=section.phantom).to_csv(temporary, index=False)
    if section.png:
        save_png(folder / "figures" / "click_curve.png", section.png)


def _read(folder: Path) -> pd.DataFrame:
    rows = read_csv(folder / CLICKS)
    missing = [name for name in NEEDED if name not in rows.columns]
    if len(rows) and missing:
        raise ValueError(
            f"{folder / CLICKS} lacks the columns {', '.join(missing)}; delete it and cases.csv beside it, and say the "
            "same command again"
        )
    return rows


def _section(rows: pd.DataFrame, phantom: bool, sentences: tuple[Sentence, ...]) -> ClickSection:
    marked = "phantom" in rows.columns and rows["phantom"].astype(str).str.lower().isin(TRUE_WORDS).any()
    phantom = phantom or bool(marked)
    drawn = click_curve(rows, range(MOST + 1))
    curve = drawn[drawn["clicks"].isin(COUNTS)]
    needed, users = clicks_needed(rows), click_users(rows)
    return ClickSection(
        tables={"click_curve": curve, "clicks_needed": needed, "click_users": users},
        phantom=phantom,
        png=click_curves(drawn, phantom=phantom) if len(drawn) else None,
        curve=curve_view(curve),
        needed=needed_view(needed),
        users=users_view(users),
        empty=empty_view(users),
        methods=tuple(dict.fromkeys(rows["method"])),
        sentences=sentences,
    )
