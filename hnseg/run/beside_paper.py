"""A paper's table and ours, from what a cross-validation left on disk."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.evaluate import paper_tables
from hnseg.evaluate.organ_table import MEAN_OF_ORGANS, organ_table
from hnseg.evaluate.summary import ALL_PATIENTS
from hnseg.io import atomic_path
from hnseg.report import read_manifest
from hnseg.run.published_tables import PaperTable
from hnseg.run.score import POSTPROCESSED, read_scores

PLACES = {"rows": ".", "postprocessed": POSTPROCESSED, "test": "test", "test_postprocessed": f"test/{POSTPROCESSED}"}
"""Where in a cross-validation's folder the rows lie that :mod:`hnseg.evaluate.paper_tables` takes."""

OF_ORGANS = ("n", "dice_mean", "dice_sd", "dice_slices_mean", "dice_slices_sd")
"""What is shown of organs, whichever of the two Dice a paper has."""


OF_METHODS = "tables/table1.csv"
"""Where the report of several arms has their median Dice."""


def results_of(table: PaperTable, folder: Path) -> Path:
    """The file that `paper_and_ours` reads first: it is there as soon as anything is scored."""
    return folder / (OF_METHODS if table.layout == "methods" else "cases.csv")


def paper_and_ours(table: PaperTable, folder: Path, label_names: Sequence[str]) -> str:
    """The paper's table and ours as text, and as a CSV in ``tables/`` of the run's or cross-validation's folder.

    Args:
        table: the paper's.
        folder: of a finished `train` or `cv`.
        label_names: the run's structures; tables of one structure are of the first.
    """
    ours = _ours(table, folder, label_names)
    if ours is None:
        return (
            f"Table {table.number} is of test patients, and no test patient of this data set has a mask to score; "
            f"the ensemble's masks are in {folder / 'test' / 'predictions'}"
        )
    manifest = read_manifest(folder)
    columns = OF_ORGANS if table.layout == "organs" else tuple(str(name) for name in table.rows if name in ours)
    both, phantom = beside(table.rows, ours, columns), bool(manifest["phantom"])
    csv = folder / "tables" / f"{table.experiment}-table{table.number}.csv"
    with atomic_path(csv) as temporary:
        both.assign(phantom=phantom & (both["of"] == "hnseg")).to_csv(temporary, index=False)
    of = "" if table.layout == "organs" else f" ({label_names[0]})"
    lines = [f"Table {table.number} of {table.source}, and hnseg: {table.title}{of}"]
    if phantom:
        lines.append("PHANTOM: hnseg's figures are of made-up patients and say nothing about the paper's.")
    if not manifest["finished"]:
        lines.append("NOT FINISHED: hnseg's figures are of the networks that are trained so far.")
    if table.layout == "folds":
        lines.append("HD95 of hnseg is the median over a fold's patients; the paper does not say what its own is.")
    lines += textwrap.wrap(table.note, 120)
    return "\n".join([*lines, as_text(both), f"also in {csv}"])


def _ours(table: PaperTable, folder: Path, label_names: Sequence[str]) -> pd.DataFrame | None:
    """The same table from the rows of the folder; None where there are no rows to make it of."""
    structure = label_names[0]
    if table.layout == "methods":
        return _methods(folder)
    paths = {name: folder / place / "cases.csv" for name, place in PLACES.items()}
    found = {name: read_scores(path) for name, path in paths.items() if path.is_file()}
    if table.layout == "organs":
        return _organs(found["rows"], label_names)
    if table.layout == "test":
        best = found.get("test_postprocessed", found.get("test"))
        return None if best is None else paper_tables.test_table(best, structure)
    if table.layout == "centres":
        return paper_tables.centre_table(found["rows"], structure)
    return paper_tables.fold_table(structure=structure, **found)


def _methods(folder: Path) -> pd.DataFrame:
    """A row a test set, counted from 1 as the paper does where the folds have numbers."""
    ours = pd.read_csv(folder / OF_METHODS, dtype={"row": str}, keep_default_na=False, na_values=[""])
    return ours.assign(row=[str(int(name) + 1) if name.isdigit() else name for name in ours["row"]])


def _organs(rows: pd.DataFrame, label_names: Sequence[str]) -> pd.DataFrame:
    """A row an organ over all patients, then the mean of organs, which has no patients of its own."""
    table = organ_table(rows.assign(centre=ALL_PATIENTS), label_names).rename(columns={"structure": "row"})
    return table.assign(n=table["n"].astype(float).where(table["row"] != MEAN_OF_ORGANS))


def beside(paper: pd.DataFrame, ours: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Paper and ours in one table: ``row``, ``of`` (paper or hnseg), then the columns.

    A row, or a column, of one that the other does not have stays alone.
    """
    lines: list[dict[Any, Any]] = []
    for name in dict.fromkeys([*paper["row"], *ours["row"]]):
        for source, table in (("paper", paper), ("hnseg", ours)):
            lines += [{"of": source, **line} for line in table[table["row"] == name].to_dict("records")]
    return pd.DataFrame(lines).reindex(columns=list(dict.fromkeys(["row", "of", *columns])))


def as_text(table: pd.DataFrame) -> str:
    """A table for the terminal: ``0.744 ± 0.206``, and nothing where there is no number."""
    names = table["row"].astype(str)
    shown = pd.DataFrame({"": names.str.ljust(int(names.str.len().max())), "of": table["of"]})
    for column in map(str, table.columns.drop(["row", "of"])):
        if column.endswith("_sd"):
            continue
        name, digits = column.removesuffix("_mean"), 0 if column == "n" else 2 if "_mm" in column else 3
        spreads = table.get(f"{name}_sd", pd.Series(float("nan"), table.index))
        pairs = zip(table[column], spreads, strict=True)
        shown[name.replace("_", " ")] = [_cell(value, spread, digits) for value, spread in pairs]
    return shown.to_string(index=False)


def _cell(value: float, spread: float, digits: int) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.{digits}f}" + ("" if pd.isna(spread) else f" ± {spread:.{digits}f}")
